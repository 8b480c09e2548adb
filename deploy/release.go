package deploy

// Release is one built version of an app: a commit, where its files are and the images built from them.
type Release struct {
	App    string `json:"app"`
	Commit Commit `json:"commit"`
	// Deployment is the ID of the deployment that brings the release; Runtime.Revert finds by it what a start has made.
	Deployment int64 `json:"deployment,omitempty"`
	// Dir is the checkout that holds the compose files and build contexts of the commit.
	Dir string `json:"dir"`
	// Subject is the first line of the commit message, shortened for people.
	Subject string `json:"subject,omitempty"`
	// Images maps the compose service to the id of the image that it runs; it is filled by Runtime.Build.
	Images map[string]string `json:"images,omitempty"`
	// Digests maps each compose service whose image was pulled to name@sha256:... of it in its registry, by which
	// anybody can fetch the same image again; it is filled by Runtime.Build.
	Digests map[string]string `json:"digests,omitempty"`
}
