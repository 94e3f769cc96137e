package world

// Admins are the addresses of the cast's RevOps people.
func Admins() []string {
	var out []string
	for _, p := range cast {
		if p.Role == "revops" {
			out = append(out, p.Email)
		}
	}
	return out
}
