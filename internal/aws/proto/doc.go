// Package proto speaks the AWS protocols: it reads requests into the generated input types and writes output types and
// errors as responses. One file holds one protocol; all of them follow the same plan, which is compiled once per type from
// the struct tags that tools/apigen wrote.
//
// A tag is `api:"name option …"`, where name is the member's name in the model and options are separated by spaces:
//
//	required          must be present
//	wire=NAME         name on the wire where it is not the member's: XML element, query parameter, JSON key, header, label
//	query=NAME        name as an EC2 query parameter where it is not wire with an upper-case first letter
//	in=PLACE          where REST protocols bind it: uri, query, header, headers (prefix), status, payload;
//	                  and in events eventheader, eventpayload
//	attr              XML attribute
//	token             idempotency token: clients fill it in
//	json              header that carries base64 of JSON
//
// and the traits of the value itself, which may be prefixed by "item." (of a list), "key." or "value." (of a map):
//
//	min=N max=N       length of strings, blobs, lists and maps; range of numbers
//	pattern=REGEXP    a space is written ␣
//	enum=NAME         one of Service.EnumValues(NAME)
//	item=NAME         element name of list items; key=NAME, value=NAME those of map entries
//	flat              list or map without an element around it
//	time=FORMAT       iso8601, rfc822 or unixTimestamp where it is not the protocol's default
//	ns=URI nsprefix=P XML namespace
//	union             exactly one member is set
//	sensitive         never shown in messages and logs
//	stream            a body that is not held in memory
package proto
