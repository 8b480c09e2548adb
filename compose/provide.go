package compose

import (
	"context"

	"verdigris/deploy"
)

// provide makes sure that the engine has the image of every service: first what is pulled, then what is built. It
// returns their ids and, for those that came from a registry, name@sha256:... there, both by service.
func (r *Runtime) provide(ctx context.Context, p *project, mode buildMode, log deploy.Log) (ids, digests map[string]string, err error) {
	if err := r.engine.pullImages(ctx, p, log); err != nil {
		return nil, nil, err
	}
	if err := r.engine.buildAll(ctx, p, mode, log); err != nil {
		return nil, nil, err
	}
	images, err := r.images(ctx, p, nil)
	if err != nil {
		return nil, nil, err
	}
	ids, digests = map[string]string{}, map[string]string{}
	for name, img := range images {
		ids[name] = img.id
		if img.digest != "" && p.Services[name].Build == nil {
			digests[name] = img.digest
		}
	}
	return ids, digests, nil
}
