package lineage

// The parts of OpenLineage's schema that are used here, as it names them.

type runEvent struct {
	EventType string    `json:"eventType"`
	EventTime string    `json:"eventTime"`
	Run       run       `json:"run"`
	Job       job       `json:"job"`
	Inputs    []dataset `json:"inputs"`
	Outputs   []dataset `json:"outputs"`
	Producer  string    `json:"producer"`
	SchemaURL string    `json:"schemaURL"`
}

type run struct {
	ID     string         `json:"runId"`
	Facets map[string]any `json:"facets"`
}

type job struct {
	Namespace string         `json:"namespace"`
	Name      string         `json:"name"`
	Facets    map[string]any `json:"facets"`
}

type dataset struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

type facet struct {
	Producer  string `json:"_producer"`
	SchemaURL string `json:"_schemaURL"`
}

type jobTypeFacet struct {
	facet
	ProcessingType string `json:"processingType"`
	Integration    string `json:"integration"`
	JobType        string `json:"jobType"`
}

type engineFacet struct {
	facet
	Version string `json:"version"`
	Name    string `json:"name"`
}

type errorFacet struct {
	facet
	Message    string `json:"message"`
	Language   string `json:"programmingLanguage"`
	StackTrace string `json:"stackTrace,omitempty"`
}

type parametersFacet struct {
	facet
	Parameters []parameter `json:"parameters"`
}

type parameter struct {
	Key   string `json:"key"`
	Name  string `json:"name"`
	Value string `json:"value"`
}
