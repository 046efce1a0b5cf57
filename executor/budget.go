package executor

// spend takes n bytes for it from the budget of the run.
func (r *runner) spend(it *item, n int64) bool {
	if r.over && n > 0 {
		return false
	}
	if n > r.left {
		r.overflow()
		return false
	}
	r.left -= n
	if it != nil {
		it.size += n
	}
	return true
}

// spendText is spend for text that is there already: it returns how much of it is too much.
func (r *runner) spendText(it *item, n int) int {
	fits := int64(n)
	if r.over {
		fits = 0
	} else if fits > r.left {
		fits = r.left
		r.overflow()
	}
	r.left -= fits
	it.size += fits
	return n - int(fits)
}

func (r *runner) overflow() {
	if !r.over {
		r.over, r.overAt = true, r.current
	}
}
