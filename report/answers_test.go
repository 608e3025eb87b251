package report

import (
	"fmt"
	"testing"
)

// Of a regression the examples stand by the spread of their answers.
func TestRegressionSpread(t *testing.T) {
	g := &group{}
	for seed := 0.0; seed < 3; seed++ {
		g.runs = append(g.runs, &run{answers: []answer{
			{ID: 0, Line: 1, Label: "2.5", Prediction: "x", Scores: []float64{2 + 0.1*seed}},
			{ID: 1, Line: 2, Label: "1.0", Prediction: "y", Scores: []float64{1 + seed}}}})
	}
	bl := (&book{groups: []*group{g}}).agreement(g)
	rows := bl.Tables[0].Rows
	if len(rows) != 2 || rows[0][0].Text != "2" || rows[0][3].Text != "1.0000" || rows[1][2].Text != "2.1000" {
		t.Errorf("%+v", rows)
	}
}

// Of many classes the largest confusions are listed, not the matrix.
func TestManyClasses(t *testing.T) {
	e := &evaluation{}
	for i := 0; i < 20; i++ {
		e.Classes = append(e.Classes, struct {
			Label string `json:"label"`
		}{fmt.Sprint("c", i)})
		e.Confusion = append(e.Confusion, make([]float64, 20))
	}
	e.Confusion[3][3], e.Confusion[4][5], e.Confusion[6][7] = 90, 2, 8
	c := (&group{runs: []*run{{eval: e}, {eval: e}}}).confusion()
	if len(c.Rows) != 2 || c.Rows[0][0].Text != "c6" || c.Rows[0][1].Text != "c7" || c.Rows[0][2].Text != "16" || c.Rows[1][2].Text != "4" {
		t.Errorf("%+v", c.Rows)
	}
}
