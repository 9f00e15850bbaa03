package policy

// Grants decides whether a resource's policy, of which another account is the
// caller, lets it do what it asks for. Without a policy it does not.
func Grants(text string, q TrustRequest) (bool, error) {
	if text == "" {
		return false, nil
	}
	d, err := parse(text)
	if err != nil {
		return false, err
	}
	return d.allows(q)
}
