module github.com/autotask-go/autotask/examples/record

go 1.26.0

require (
	github.com/autotask-go/autotask v0.0.0
	github.com/go-json-experiment/json v1.27.2
	github.com/stretchr/testify v1.12.1
	gopkg.in/dnaeon/go-vcr.v4 v4.0.7
)

require (
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	go.yaml.in/yaml/v4 v4.0.0-rc.6 // indirect
	golang.org/x/sync v0.24.0 // indirect
)

replace github.com/autotask-go/autotask => ../..
