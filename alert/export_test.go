package alert

// ExternalID is what a key's tickets are found by.
func ExternalID(key string) string {
	if key == "" {
		return ""
	}
	return externalID(key)
}
