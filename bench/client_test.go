package main

import (
	"slices"
	"testing"
)

func TestDocument(t *testing.T) {
	d := document(`<R><item><vpcId>vpc-1</vpcId><note/></item><item><vpcId> vpc-2
</vpcId></item></R>`)
	if got := d.all("vpcId"); !slices.Equal(got, []string{"vpc-1", "vpc-2"}) {
		t.Errorf("all: %q", got)
	}
	if got, err := d.first("vpcId"); got != "vpc-1" || err != nil {
		t.Errorf("first: %q, %v", got, err)
	}
	if _, err := d.first("note"); err == nil {
		t.Error("an empty element has a text")
	}
}
