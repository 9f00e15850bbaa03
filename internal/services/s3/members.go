package s3

import (
	"reflect"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/checksum"
	"github.com/neargate/neargate/internal/object"
)

// The same members stand in many of S3's inputs and outputs, and the model has no type for them. They are read and written by
// name here.

// copyMembers sets every member of dst that src has under the same name and with the same type.
func copyMembers(dst, src any) {
	d, s := reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem()
	for i := range d.NumField() {
		from := s.FieldByName(d.Type().Field(i).Name)
		if from.IsValid() && from.Type() == d.Field(i).Type() {
			d.Field(i).Set(from)
		}
	}
}

// textOf is a member's text; empty where the member is absent.
func textOf(in any, member string) string {
	if f := reflect.ValueOf(in).Elem().FieldByName(member); f.IsValid() {
		if p, ok := f.Interface().(*string); ok && p != nil {
			return *p
		}
	}
	return ""
}

// checksums are the checksums an input states.
func checksums(in any) (map[checksum.Algorithm][]byte, error) {
	sums := map[checksum.Algorithm][]byte{}
	for _, unknown := range []string{"XXHASH64", "XXHASH3", "XXHASH128"} {
		if textOf(in, "Checksum"+unknown) != "" {
			return nil, awserr.NotImplemented("checksum algorithm " + unknown)
		}
	}
	for _, a := range checksum.All {
		text := textOf(in, "Checksum"+string(a))
		if text == "" {
			continue
		}
		sum, ok := a.Decode(text)
		if !ok {
			return nil, errInvalidRequest.New("Value for %s header is invalid.", a.Header())
		}
		sums[a] = sum
	}
	return sums, nil
}

// setChecksum states a checksum in an output.
func setChecksum(out any, a checksum.Algorithm, sum []byte) {
	if sum == nil {
		return
	}
	reflect.ValueOf(out).Elem().FieldByName("Checksum" + string(a)).Set(reflect.ValueOf(new(checksum.Encode(sum))))
}

// refused are members that S3 acts on and Neargate does not.
var refused = []struct{ member, what string }{
	{"SSECustomerAlgorithm", "server-side encryption with customer-provided keys"},
	{"SSECustomerKey", "server-side encryption with customer-provided keys"},
	{"CopySourceSSECustomerAlgorithm", "server-side encryption with customer-provided keys"},
	{"SSEKMSKeyId", "server-side encryption with KMS keys"},
	{"SSEKMSEncryptionContext", "server-side encryption with KMS keys"},
	{"ObjectLockMode", "Object Lock"},
	{"ObjectLockLegalHoldStatus", "Object Lock"},
	{"MFA", "MFA delete"},
}

// refuse names the first member of an input that is not implemented.
func refuse(in any) error {
	for _, r := range refused {
		if textOf(in, r.member) != "" {
			return awserr.NotImplemented(r.what + " (" + r.member + ")")
		}
	}
	switch sse := textOf(in, "ServerSideEncryption"); sse {
	case "", encryptionAES:
	default:
		return awserr.NotImplemented("server-side encryption " + sse)
	}
	return nil
}

// attributes are what an input says of an object beside its content.
func (s *Service) attributes(b *object.Bucket, account string, in any) (object.Attributes, error) {
	a := object.Attributes{
		ContentType: textOf(in, "ContentType"), CacheControl: textOf(in, "CacheControl"), ContentDisposition: textOf(in, "ContentDisposition"),
		ContentEncoding: plainEncoding(textOf(in, "ContentEncoding")), ContentLanguage: textOf(in, "ContentLanguage"), Expires: textOf(in, "Expires"),
		Redirect: textOf(in, "WebsiteRedirectLocation"), StorageClass: textOf(in, "StorageClass"), Owner: account,
	}
	if f := reflect.ValueOf(in).Elem().FieldByName("Metadata"); f.IsValid() {
		a.Metadata, _ = f.Interface().(map[string]string)
	}
	if err := refuse(in); err != nil {
		return a, err
	}
	size := 0
	for k, v := range a.Metadata {
		size += len(k) + len(v)
	}
	if size > maxMetadata {
		return a, errMetadataTooLarge.New("Your metadata headers exceed the maximum allowed metadata size").With("Size", size).With("MaxSizeAllowed", maxMetadata)
	}
	if err := checkClass(a.StorageClass); err != nil {
		return a, err
	}
	if a.StorageClass == standardClass {
		a.StorageClass = ""
	}
	var err error
	if a.Tags, err = parseTagging(textOf(in, "Tagging")); err != nil {
		return a, err
	}
	a.Grants, err = objectGrants(b, account, in)
	return a, err
}

// appendText adds to a member's text.
func appendText(out any, member, more string) {
	p := reflect.ValueOf(out).Elem().FieldByName(member).Interface().(*string)
	*p += more
}
