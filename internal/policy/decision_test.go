package policy

import "testing"

func TestDecide(t *testing.T) {
	const (
		bucket  = "arn:aws:s3:::b"
		service = "logdelivery.elasticloadbalancing.amazonaws.com"
	)
	one := func(fields string) string { return `{"Version":"2012-10-17","Statement":{` + fields + `}}` }
	for _, c := range []struct {
		name, policy string
		access       Access
		want         Decision
	}{
		{"none", "", Access{Action: "s3:GetObject"}, Neutral},
		{"everybody", one(`"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`), Access{Action: "s3:GetObject", Resource: bucket + "/k"}, Allow},
		{"another action", one(`"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`), Access{Action: "s3:PutObject", Resource: bucket + "/k"}, Neutral},
		{"another resource", one(`"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/logs/*"`), Access{Action: "s3:GetObject", Resource: bucket + "/k"}, Neutral},
		{"an account", one(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"`), Access{Action: "s3:GetObject", Resource: bucket + "/k", Account: "111122223333", Principal: "arn:aws:iam::111122223333:user/u"}, Allow},
		{"a service", one(`"Effect":"Allow","Principal":{"Service":"logdelivery.elasticloadbalancing.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"`), Access{Action: "s3:PutObject", Resource: bucket + "/k", Service: service}, Allow},
		{"a service is not an account", one(`"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"`), Access{Action: "s3:PutObject", Resource: bucket + "/k", Service: service}, Neutral},
		{"deny outweighs", `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"s3:Get*","Resource":"*"}]}`, Access{Action: "s3:GetObject", Resource: bucket + "/k"}, Deny},
		{"a condition that holds", one(`"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}`), Access{Action: "s3:GetObject", Resource: bucket, Context: map[string]string{"aws:securetransport": "false"}}, Deny},
		{"and one that does not", one(`"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}`), Access{Action: "s3:GetObject", Resource: bucket, Context: map[string]string{"aws:securetransport": "true"}}, Neutral},
		{"an address", one(`"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","127.0.0.1"]}}`), Access{Action: "s3:GetObject", Context: map[string]string{"aws:sourceip": "127.0.0.1"}}, Allow},
		{"no address", one(`"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`), Access{Action: "s3:GetObject", Context: map[string]string{"aws:sourceip": "127.0.0.1"}}, Deny},
		{"a number", one(`"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"NumericLessThanEquals":{"s3:max-keys":"10"}}`), Access{Action: "s3:ListBucket", Context: map[string]string{"s3:max-keys": "5"}}, Allow},
		{"an absent key", one(`"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceAccount":"1"}}`), Access{Action: "s3:GetObject"}, Neutral},
		{"an absent key if it exists", one(`"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringEqualsIfExists":{"aws:SourceAccount":"1"}}`), Access{Action: "s3:GetObject"}, Allow},
		{"all but", one(`"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"NotAction":"s3:ListBucket","NotResource":"arn:aws:s3:::c"`), Access{Action: "s3:GetObject", Resource: bucket}, Deny},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := Decide(c.policy, c.access); err != nil || got != c.want {
				t.Errorf("%v, %v, want %v", got, err, c.want)
			}
		})
	}
	if _, err := Decide(one(`"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Magic":{"a":"b"}}`), Access{Action: "s3:GetObject"}); err == nil {
		t.Error("an operator that nobody knows is decided")
	}
}

func TestPublic(t *testing.T) {
	for policy, want := range map[string]bool{
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}`:                                                                    true,
		`{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}`:                                                                     false,
		`{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}`:                                                 false,
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}}`:            false,
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}}}`:             true,
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}}}`:          true,
		`{"Statement":{"Effect":"Allow","Principal":{"Service":"logdelivery.elasticloadbalancing.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b/AWSLogs/1/*"}}`: false,
	} {
		if got := Public(policy); got != want {
			t.Errorf("%s: %v", policy, got)
		}
	}
}

func TestCheckBucket(t *testing.T) {
	const good = `"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`
	for policy, want := range map[string]string{
		`{"Statement":{` + good + `}}`: "",
		``:                             "Policies must be valid JSON and the first byte must be '{'",
		`{"Statement":[]}`:             "Missing required field Statement",
		`{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}`:                                    "Missing required field Principal",
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"ec2:Run","Resource":"arn:aws:s3:::b/*"}}`:                         "Policy has invalid action",
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"}}`:                "Policy has invalid resource",
		`{"Statement":{"Effect":"Allow","Principal":{"AWS":"nobody"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}`:       "Invalid principal in policy",
		`{"Statement":{` + good + `,"Condition":{"Magic":{"a":"b"}}}}`:                                                              "Invalid Condition type : Magic",
		`{"Statement":{` + good + `,"Condition":{"StringLikeIfExists":{"a":"b"},"Null":{"a":"true"},"DateGreaterThan":{"a":"b"}}}}`: "",
	} {
		if got := CheckBucket(policy, "arn:aws:s3:::b"); got != want {
			t.Errorf("%s: %q, want %q", policy, got, want)
		}
	}
	const bucket, objects = `"arn:aws:s3:::b"`, `"arn:aws:s3:::b/*"`
	for _, c := range []struct {
		actions, resources string
		fine               bool
	}{
		{`"s3:GetObject"`, bucket, false},
		{`"s3:ListBucket"`, objects, false},
		{`["s3:GetObject","s3:ListBucket"]`, objects, false},
		{`["s3:GetObject","s3:ListBucket"]`, `[` + bucket + `,` + objects + `]`, true},
		{`"s3:listbucketversions"`, bucket, true},
		{`["s3:PutObject","s3:AbortMultipartUpload","s3:ObjectOwnerOverrideToBucketOwner"]`, objects, true},
		{`"s3:AbortMultipartUpload"`, bucket, false},
		{`["s3:GetBucketObjectLockConfiguration","s3:PutLifecycleConfiguration"]`, bucket, true},
		{`"s3:PutLifecycleConfiguration"`, objects, false},
		{`["s3:*","s3:Get*"]`, objects, true},
		{`"*"`, bucket, true},
	} {
		got := CheckBucket(`{"Statement":{"Effect":"Deny","Principal":"*","Action":`+c.actions+`,"Resource":`+c.resources+`}}`, "arn:aws:s3:::b")
		if want := "Action does not apply to any resource(s) in statement"; c.fine && got != "" || !c.fine && got != want {
			t.Errorf("%s on %s: %q", c.actions, c.resources, got)
		}
	}
}
