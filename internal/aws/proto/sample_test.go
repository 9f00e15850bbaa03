package proto

import (
	"io"
	"reflect"
	"time"

	"github.com/neargate/neargate/internal/aws"
)

// sample has a member of every kind, tagged as generated types are.
type sample struct {
	Name     *string            `api:"Name required min=1 max=8 pattern=[a-z␣]+"`
	Mode     *string            `api:"mode enum=Mode"`
	Count    *int32             `api:"count min=1 max=10"`
	Size     *int64             `api:"size"`
	Ratio    *float64           `api:"ratio max=1.5"`
	On       *bool              `api:"on"`
	At       *time.Time         `api:"at"`
	Day      *time.Time         `api:"day time=iso8601"`
	Mail     *time.Time         `api:"mail time=rfc822"`
	Data     []byte             `api:"data max=4"`
	Names    []string           `api:"names max=3 item.min=2 item.max=4"`
	Flat     []string           `api:"flat flat item=Flat"`
	Children []sample           `api:"children item=child"`
	Labels   map[string]string  `api:"labels key.max=3 value.max=3"`
	Trees    map[string]sample  `api:"trees"`
	Numbers  map[string][]int64 `api:"numbers"`
	Parent   *sample            `api:"parent"`
	Either   *choice            `api:"either union"`
	Free     any                `api:"free"`
	Secret   *string            `api:"secret min=8 sensitive"`
	Modes    []string           `api:"modes item.enum=Mode"`
}

type choice struct {
	A *string `api:"a"`
	B *int32  `api:"b"`
}

// bound is a REST input and output.
type bound struct {
	ID      *string           `api:"id in=uri wire=Id required"`
	Path    *string           `api:"path in=uri"`
	Filter  []string          `api:"filter in=query"`
	Since   *time.Time        `api:"since in=query"`
	Token   *string           `api:"token in=header wire=X-Token"`
	Dates   []time.Time       `api:"dates in=header wire=X-Dates"`
	Words   []string          `api:"words in=header wire=X-Words"`
	Meta    map[string]string `api:"meta in=headers wire=X-Meta-"`
	Status  *int32            `api:"status in=status"`
	Note    *string           `api:"note"`
	Comment *string           `api:"comment wire=Remark"`
}

type streamed struct {
	Kind *string   `api:"kind in=header wire=X-Kind"`
	Body io.Reader `api:"body in=payload stream"`
}

var testService = &aws.Service{
	Name: "test", XMLNamespace: "http://test/",
	EnumValues: func(enum string) []string {
		if enum == "Mode" {
			return []string{"FAST", "SLOW"}
		}
		return nil
	},
}

func operation(path string) *aws.OperationInfo {
	return &aws.OperationInfo{Service: testService, Name: "Do", Path: path, OutputRoot: "DoResult", ResultWrapper: "DoResult"}
}

func plan[T any]() *structure { return planOf(reflect.TypeFor[T](), testService) }
