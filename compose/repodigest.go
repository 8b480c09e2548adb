package compose

import "github.com/distribution/reference"

// repoDigest picks the name and digest under which the image's own registry has it, e.g. nginx@sha256:..., from all
// that the engine knows of. It is empty for an image that came from no registry.
func repoDigest(image string, known []string) string {
	wanted, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return ""
	}
	own, pinned := wanted.(reference.Digested)
	for _, text := range known {
		named, err := reference.ParseNormalizedNamed(text)
		if err != nil || named.Name() != wanted.Name() {
			continue
		}
		if d, ok := named.(reference.Digested); ok && (!pinned || d.Digest() == own.Digest()) {
			return text
		}
	}
	return ""
}
