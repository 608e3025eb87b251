package train

import (
	"fmt"
	"time"

	"pactune/bert"
	"pactune/internal/tfevents"
	"pactune/tensor"
)

// eventsName is that of TensorBoard's event file, which it knows by "tfevents".
const eventsName = "events.out.tfevents.pactune"

// ReportEvents has the numbers of metrics.jsonl written to an event file too, as
// scalars train/loss, eval/accuracy and so on. But for its wall times it is the same
// for equal runs.
func (l *Log) ReportEvents() { l.event = &tfevents.Event{} }

// writeEvent appends the event to its file, which begins with a version.
func (l *Log) writeEvent() {
	if l.events.log == nil && l.events.mark.Length == 0 && len(l.events.pending) == 0 {
		l.write(&l.events, tfevents.Version(time.Now()))
	}
	l.write(&l.events, l.event.Record(time.Now()))
}

// logNoise writes the learned log-stds of PAC-tuning's noise to the event file: a
// histogram for the embeddings, for every layer, and for pooler and head.
func (t *trainer) logNoise(l *Log) {
	if t.noise == nil || l.event == nil {
		return
	}
	layers := t.model.Config.Layers
	parts := make([][][]tensor.Float, layers+2) // the embeddings are the last
	for i := range t.noise.Tensors {
		x := &t.noise.Tensors[i]
		n := t.model.Config.LayerOf(x.Name)
		if bert.IsEmbedding(x.Name) {
			n = layers + 1
		}
		parts[n] = append(parts[n], x.P)
	}
	l.event.Begin(t.rec.Step)
	for n, lists := range parts {
		if len(lists) == 0 {
			continue
		}
		name := fmt.Sprintf("layer_%d", n)
		switch n {
		case layers:
			name = "head"
		case layers + 1:
			name = "embeddings"
		}
		l.event.Histogram("log_std/"+name, tfevents.NewHistogram(lists...))
	}
	l.writeEvent()
}
