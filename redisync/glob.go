package redisync

// matchGlob tells whether redis would find name with the glob pattern: `*` stands for any bytes, `?` for one,
// `[a-z]` and `[^a]` for one of a class, and a backslash takes the next byte as it is. It follows redis in the
// corners too: a class that is not closed ends with the pattern, and only a lone `*` finds the empty name.
// Source: stringmatchlen in redis' util.c.
func matchGlob[T string | []byte](pattern string, name T) bool {
	if pattern == "*" || len(name) == 0 {
		return pattern == "*" || pattern == ""
	}
	p, n := 0, 0
	afterStar, retry := -1, 0 // where to go on when what follows the last star does not fit here
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			if p == len(pattern) {
				return true
			}
			afterStar, retry = p, n
			continue
		}
		if width, ok := matchByte(pattern[p:], name[n]); ok {
			p, n = p+width, n+1
			continue
		}
		if afterStar < 0 {
			return false
		}
		retry++
		p, n = afterStar, retry
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchByte holds b against the first element of the pattern and returns how much of the pattern that element takes.
func matchByte(pattern string, b byte) (width int, ok bool) {
	switch {
	case pattern == "":
		return 0, false
	case pattern[0] == '?':
		return 1, true
	case pattern[0] == '[':
		return matchClass(pattern, b)
	case pattern[0] == '\\' && len(pattern) > 1:
		return 2, pattern[1] == b
	}
	return 1, pattern[0] == b
}

// matchClass holds b against the class that the pattern begins with.
func matchClass(pattern string, b byte) (width int, ok bool) {
	i := 1
	negated := i < len(pattern) && pattern[i] == '^'
	if negated {
		i++
	}
	in := false
	for i < len(pattern) && pattern[i] != ']' {
		switch rest := pattern[i:]; {
		case rest[0] == '\\' && len(rest) > 1:
			in = in || rest[1] == b
			i += 2
		case len(rest) > 2 && rest[1] == '-':
			in = in || min(rest[0], rest[2]) <= b && b <= max(rest[0], rest[2])
			i += 3
		default:
			in = in || rest[0] == b
			i++
		}
	}
	return min(i+1, len(pattern)), in != negated
}

// globsMeet reports whether there is a name that both patterns find.
func globsMeet(a, b string) bool {
	x, y := globElements(a), globElements(b)
	// meet[j] tells of what is left of x, here and one element further on, whether it meets y from j on.
	meet, further := make([]bool, len(y)+1), make([]bool, len(y)+1)
	for i := len(x); i >= 0; i-- {
		meet, further = further, meet
		for j := len(y); j >= 0; j-- {
			switch {
			case i == len(x) && j == len(y):
				meet[j] = true
			case i < len(x) && x[i] == nil:
				meet[j] = further[j] || j < len(y) && meet[j+1]
			case j < len(y) && y[j] == nil:
				meet[j] = meet[j+1] || i < len(x) && further[j]
			default:
				meet[j] = i < len(x) && j < len(y) && x[i].and(y[j]) && further[j+1]
			}
		}
	}
	return meet[0]
}

// byteSet has the bytes that an element of a pattern stands for.
type byteSet [256]bool

func (s *byteSet) and(other *byteSet) bool {
	for b := range s {
		if s[b] && other[b] {
			return true
		}
	}
	return false
}

// globElements takes a pattern apart: nil stands for a star.
func globElements(pattern string) (elements []*byteSet) {
	for pattern != "" {
		if pattern[0] == '*' {
			elements, pattern = append(elements, nil), pattern[1:]
			continue
		}
		set, width := &byteSet{}, 0
		for b := range set {
			width, set[b] = matchByte(pattern, byte(b))
		}
		elements, pattern = append(elements, set), pattern[width:]
	}
	return elements
}
