package load

import (
	"io"
	"net/http"
	"strings"
)

// The sizes of uploads, in bytes.
const (
	MinUpload = 1 << 20
	MaxUpload = 5 << 20
)

// Uploads is a client that posts bodies of 1 to 5 MB to the URL, one right after another unless Every is set. The i-th
// begins with what head says of it, which a program that looks at what it gets may need to see.
func Uploads(url string, head func(i int) string) Requests {
	return Requests{Kind: "uploads", Request: func(i int) (*http.Request, error) {
		// A step that does not divide the range goes through it in no order that a buffer could fit.
		size := MinUpload + i*1_234_567%(MaxUpload-MinUpload+1)
		return Post(url, head(i), size)
	}}
}

// Post makes a request with a body of that size, which begins with head. It takes no memory for the rest.
func Post(url, head string, size int) (*http.Request, error) {
	rest := max(0, size-len(head))
	if len(head)+rest == 0 {
		return http.NewRequest(http.MethodPost, url, http.NoBody) // a reader of nothing would be sent in chunks
	}
	body := io.MultiReader(strings.NewReader(head), io.LimitReader(filler{}, int64(rest)))
	request, err := http.NewRequest(http.MethodPost, url, io.NopCloser(body))
	if err != nil {
		return nil, err
	}
	request.ContentLength = int64(len(head) + rest)
	return request, nil
}

// filler is an endless x.
type filler struct{}

func (filler) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
