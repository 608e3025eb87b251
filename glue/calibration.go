package glue

import "math"

// Calibration compares how sure a model is with how often it is right (Guo et
// al., 2017). The rows are put into bins by confidence, the probability of the
// class that was predicted; the expected calibration error is
//
//	ECE = Σ_b rows_b/rows · |accuracy_b − confidence_b|
//
// with the means of each bin: 0 when answers of confidence c are right in a
// share c of all cases.
type Calibration struct {
	ECE  float64
	Bins []Bin // of equal width, from 0 to 1; a row at an edge belongs to the lower one
}

// Bin holds the rows with a confidence in (Low, High]; without any, both means
// are 0.
type Bin struct {
	Low, High            float64
	Rows                 int
	Confidence, Accuracy float64
}

// calibrationBins is the number of bins that Guo et al. use.
const calibrationBins = 15

// Calibrate computes the calibration of a model's answers to a labelled
// single-label data set, from the predicted classes and their probabilities; of
// other data it is nil.
func (d *Dataset) Calibrate(classes []int32, probability []float64) *Calibration {
	if !d.Labelled || d.Problem != SingleLabel || len(classes) == 0 {
		return nil
	}
	c := &Calibration{Bins: make([]Bin, calibrationBins)}
	for i := range c.Bins {
		c.Bins[i].Low, c.Bins[i].High = float64(i)/calibrationBins, float64(i+1)/calibrationBins
	}
	for i, p := range probability {
		b := &c.Bins[max(0, min(calibrationBins, int(math.Ceil(p*calibrationBins)))-1)]
		b.Rows++
		b.Confidence += p
		b.Accuracy += float64(count(int(classes[i]) == d.Examples[i].Label))
	}
	for i := range c.Bins {
		if b := &c.Bins[i]; b.Rows > 0 {
			c.ECE += math.Abs(b.Accuracy-b.Confidence) / float64(len(classes))
			b.Confidence, b.Accuracy = b.Confidence/float64(b.Rows), b.Accuracy/float64(b.Rows)
		}
	}
	return c
}
