package autograd

import (
	"fmt"

	"pactune/internal/profile"
	"pactune/tensor"
)

// embed is the record of Embed.
type embed struct {
	out              *Var
	word, pos, types *Param
	ids, typeIDs     []int32
	positions        []int32
	g                []Float
}

// Embed is word[ids] + position[0, 1, … in each sequence] + types[typeIDs].
// ids and typeIDs have one entry per token; word (V, C), position (P, C),
// types (K, C); position and types may be nil. The result is (N, C).
func (t *Tape) Embed(word, position, types *Param, ids, typeIDs []int32) *Var {
	n, c := t.tokens.rows(), word.Shape[1]
	if len(ids) != n || types != nil && len(typeIDs) != n {
		panic(fmt.Sprintf("autograd: Embed: %d ids and %d type ids for %d tokens", len(ids), len(typeIDs), n))
	}
	r := t.embeds.next()
	*r = embed{word: word, pos: position, types: types, ids: ids, typeIDs: typeIDs, positions: r.positions[:0]}
	for s := range t.tokens.ids {
		for p := range t.tokens.starts[s+1] - t.tokens.starts[s] {
			r.positions = append(r.positions, p)
		}
	}
	r.check()
	r.out = t.newVar(n, c, &t.tokens)
	r.out.needsGrad = !word.Frozen || position != nil && !position.Frozen || types != nil && !types.Frozen
	return t.do(r, r.out)
}

func (r *embed) forward(t *Tape) {
	t.fill(r.out)
	t.pool.Run(len(t.tokens.pieces), (*embedForward)(r))
}

func (r *embed) discard(t *Tape) { t.drop(r.out) }

func (r *embed) check() {
	for i := range r.ids {
		r.checkOne(r.word, r.ids[i], i)
		if r.pos != nil {
			r.checkOne(r.pos, r.positions[i], i)
		}
		if r.types != nil {
			r.checkOne(r.types, r.typeIDs[i], i)
		}
	}
}

func (r *embed) checkOne(p *Param, id int32, i int) {
	if id < 0 || int(id) >= p.Shape[0] {
		panic(fmt.Sprintf("autograd: Embed: token %d has index %d into %s %v", i, id, p.Name, p.Shape))
	}
}

func rowOf(p *Param, data []Float, id int32) []Float {
	c := p.Shape[1]
	return data[int(id)*c : (int(id)+1)*c]
}

type embedForward embed

func (r *embedForward) Piece(i int) {
	p, c := r.out.layout.pieces[i], r.out.Cols
	for row := int(p.from); row < int(p.to); row++ {
		y := r.out.Data[row*c : (row+1)*c]
		copy(y, rowOf(r.word, r.word.Data, r.ids[row]))
		if r.pos != nil {
			tensor.Add(y, y, rowOf(r.pos, r.pos.Data, r.positions[row]))
		}
		if r.types != nil {
			tensor.Add(y, y, rowOf(r.types, r.types.Data, r.typeIDs[row]))
		}
	}
}

// backward: the gradient of a table's row is the sum over the tokens that
// took it, in the order of the tokens.
func (r *embed) backward(t *Tape) {
	if r.out.grad.Data != nil {
		r.g = r.out.grad.Data
		t.pool.Run(colPieces(r.out.Cols), (*embedBackward)(r))
	}
	t.release(r.out)
}

func (r *embed) work() (name profile.Op, forward, backward float64) { return profile.Embed, 0, 0 }

type embedBackward embed

func (r *embedBackward) Piece(i int) {
	from, to := colRange(i, r.out.Cols)
	r.scatter(r.word, r.ids, from, to)
	r.scatter(r.pos, r.positions, from, to)
	r.scatter(r.types, r.typeIDs, from, to)
}

func (r *embedBackward) scatter(p *Param, ids []int32, from, to int) {
	if p == nil || p.Frozen {
		return
	}
	c := r.out.Cols
	for row, id := range ids {
		dst := rowOf(p, p.Grad, id)[from:to]
		tensor.Add(dst, dst, r.g[row*c+from:row*c+to])
	}
}
