package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"verdigris/server"
)

// document is openapi.json, decoded, with a compiler for its schemas.
type document struct {
	root   map[string]any
	schema func(pointer string) (*jsonschema.Schema, error)
}

var openapi = sync.OnceValue(func() document {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		panic(err)
	}
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("file:///openapi.json", root); err != nil {
		panic(err)
	}
	var one sync.Mutex
	return document{root.(map[string]any), func(pointer string) (*jsonschema.Schema, error) {
		one.Lock()
		defer one.Unlock()
		return compiler.Compile("file:///openapi.json#" + pointer)
	}}
})

// at follows a path of keys, and references on the way. It returns nil where there is nothing.
func (d document) at(pointer string) (value any, resolved string) {
	value = d.root
	for key := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, resolved
		}
		value = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(key)]
		resolved += "/" + key
		if object, ok := value.(map[string]any); ok && object["$ref"] != nil {
			value, resolved = d.at(strings.TrimPrefix(object["$ref"].(string), "#"))
		}
	}
	return value, resolved
}

func escape(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

// described fails the test when an answer is not what openapi.json says: status, content type and every field.
func described(a answer) {
	a.t.Helper()
	d := openapi()
	path := d.template(a.Request.URL.Path)
	where := fmt.Sprintf("/paths/%s/%s/responses/%d", escape(path), strings.ToLower(a.Request.Method), a.StatusCode)
	method, _ := d.at("/paths/" + escape(path) + "/" + strings.ToLower(a.Request.Method))
	if path == "" || method == nil { // not a route: the general form of problems holds
		where = "/components/responses/NotFound"
	}
	response, pointer := d.at(where)
	if response == nil {
		a.t.Errorf("%s %s: openapi.json does not have the status %d", a.Request.Method, path, a.StatusCode)
		return
	}
	content, _ := response.(map[string]any)["content"].(map[string]any)
	for name := range response.(map[string]any)["headers"].(map[string]any) {
		if a.Header.Get(name) == "" {
			a.t.Errorf("%s %s: %d came without %s", a.Request.Method, path, a.StatusCode, name)
		}
	}
	if len(content) == 0 {
		if len(a.body) > 0 {
			a.t.Errorf("%s %s: %d has a body that openapi.json does not have: %s", a.Request.Method, path, a.StatusCode, a.body)
		}
		return
	}
	media, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil || content[media] == nil {
		a.t.Errorf("%s %s: %d has the content type %q: %v", a.Request.Method, path, a.StatusCode, a.Header.Get("Content-Type"), err)
		return
	}
	if strings.HasSuffix(media, "json") {
		check(a.t, d.validate(pointer+"/content/"+escape(media)+"/schema", a.body))
	}
}

func (d document) validate(pointer string, body []byte) error {
	schema, err := d.schema(pointer)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%s does not fit %s: %w", body, pointer, err)
	}
	return nil
}

var parameter = regexp.MustCompile(`\{[^}]+\}`)

// template finds the described path that a request's path belongs to; those without parameters come first.
func (d document) template(path string) string {
	paths := d.paths()
	slices.SortFunc(paths, func(a, b string) int { return strings.Count(a, "{") - strings.Count(b, "{") })
	for _, p := range paths {
		pattern := "^" + strings.Join(parts(p), "[^/]+") + "$"
		if regexp.MustCompile(pattern).MatchString(path) {
			return p
		}
	}
	return ""
}

func parts(path string) (quoted []string) {
	for _, part := range parameter.Split(path, -1) {
		quoted = append(quoted, regexp.QuoteMeta(part))
	}
	return quoted
}

func (d document) paths() (paths []string) {
	for p := range d.root["paths"].(map[string]any) {
		paths = append(paths, p)
	}
	return paths
}

func TestTheDescriptionAndTheRoutesAgree(t *testing.T) {
	var served, written []string
	handler := server.New(&fakeController{}).Handler().(*echo.Echo)
	for _, route := range handler.Routes() {
		path := regexp.MustCompile(`:(\w+)`).ReplaceAllString(route.Path, "{$1}")
		served = append(served, strings.ToLower(route.Method)+" "+path)
	}
	ids := map[string]bool{}
	for path, item := range openapi().root["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			written = append(written, method+" "+path)
			o := operation.(map[string]any)
			id := o["operationId"].(string)
			if ids[id] {
				t.Errorf("the operationId %s is there twice", id)
			}
			ids[id] = true
			parametersAgree(t, path, o)
		}
	}
	for _, route := range served {
		if !slices.Contains(written, route) {
			t.Errorf("openapi.json does not describe %s", route)
		}
	}
	for _, route := range written {
		if !slices.Contains(served, route) {
			t.Errorf("openapi.json describes %s, which is not served", route)
		}
	}
}

func parametersAgree(t *testing.T, path string, operation map[string]any) {
	t.Helper()
	names := map[string]bool{}
	list, _ := operation["parameters"].([]any)
	for _, p := range list {
		reference := p.(map[string]any)["$ref"].(string)
		value, _ := openapi().at(strings.TrimPrefix(reference, "#"))
		if o := value.(map[string]any); o["in"] == "path" {
			names["{"+o["name"].(string)+"}"] = true
		}
	}
	inPath := parameter.FindAllString(path, -1)
	for _, name := range inPath {
		if !names[name] {
			t.Errorf("%s: the parameter %s is not described", path, name)
		}
	}
	if len(inPath) != len(names) {
		t.Errorf("%s: describes %d path parameters, has %d", path, len(names), len(inPath))
	}
}

// Every example has to fit the schema beside it, and every reference has to lead somewhere.
func TestTheExamplesFitTheirSchemas(t *testing.T) {
	examples := 0
	var walk func(value any, pointer string)
	walk = func(value any, pointer string) {
		switch v := value.(type) {
		case map[string]any:
			if reference, ok := v["$ref"].(string); ok {
				if target, _ := openapi().at(strings.TrimPrefix(reference, "#")); target == nil {
					t.Errorf("%s: %s leads nowhere", pointer, reference)
				}
			}
			if example, ok := v["example"]; ok && v["schema"] != nil {
				text, err := json.Marshal(example)
				check(t, err)
				if err := openapi().validate(pointer+"/schema", text); err != nil {
					t.Error(err)
				}
				examples++
			}
			for key, child := range v {
				if key != "example" {
					walk(child, pointer+"/"+escape(key))
				}
			}
		case []any:
			for i, child := range v {
				walk(child, fmt.Sprintf("%s/%d", pointer, i))
			}
		}
	}
	walk(openapi().root, "")
	if examples < 40 {
		t.Errorf("found %d examples only", examples)
	}
}

func TestTheDescriptionIsServedAsItIs(t *testing.T) {
	text, err := os.ReadFile("openapi.json")
	check(t, err)
	if a := start(t).request("GET", "/openapi.json", "", "Authorization:").want(200); !bytes.Equal(a.body, text) {
		t.Errorf("got %d bytes of %d", len(a.body), len(text))
	}
}

func TestTheAnswersHeldAgainstTheDescriptionHaveEveryField(t *testing.T) {
	for _, value := range []any{mirrored, full("shop")} {
		v := reflect.ValueOf(value)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s.%s is not filled", v.Type(), v.Type().Field(i).Name)
			}
		}
	}
}
