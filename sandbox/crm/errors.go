package crm

import (
	"encoding/json"
	"fmt"
	"strings"
)

// apiError is a refusal in HubSpot's shape.
type apiError struct {
	status   int
	category string
	message  string
	details  []errorDetail
	context  map[string][]string
}

// errorDetail is one entry of the "errors" array.
type errorDetail struct {
	Message string              `json:"message"`
	Code    string              `json:"code,omitempty"`
	Context map[string][]string `json:"context,omitempty"`
}

// errorBody is the JSON of every refusal but a rate limit, whose shape differs.
type errorBody struct {
	Status        string              `json:"status"`
	Message       string              `json:"message"`
	CorrelationID string              `json:"correlationId"`
	Category      string              `json:"category,omitempty"`
	Errors        []errorDetail       `json:"errors,omitempty"`
	Context       map[string][]string `json:"context,omitempty"`
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.category, e.message) }

func invalid(format string, args ...any) *apiError {
	return &apiError{status: 400, category: "VALIDATION_ERROR", message: fmt.Sprintf(format, args...)}
}

func notFound() *apiError {
	return &apiError{status: 404, category: "OBJECT_NOT_FOUND", message: "resource not found"}
}

func duplicate(kind, id, property string) *apiError {
	name := strings.ToUpper(kind[:1]) + kind[1:]
	return &apiError{
		status: 409, category: "CONFLICT",
		message: fmt.Sprintf("%s already exists. Existing ID: %s", name, id),
		context: map[string][]string{"existingId": {id}, "propertyName": {property}},
	}
}

// problem is one property value that HubSpot would refuse.
type problem struct {
	property, code, message, value string
}

// invalidProperties packs problems as HubSpot does: readable JSON inside the message
// and the same again, shorter, in "errors".
func invalidProperties(problems []problem) *apiError {
	type inner struct {
		IsValid   bool   `json:"isValid"`
		Message   string `json:"message"`
		Error     string `json:"error"`
		Name      string `json:"name"`
		Localized string `json:"localizedErrorMessage"`
		Value     string `json:"propertyValue,omitempty"`
		PortalID  int    `json:"portalId"`
	}
	e := &apiError{status: 400, category: "VALIDATION_ERROR"}
	list := make([]inner, 0, len(problems))
	for _, p := range problems {
		list = append(list, inner{false, p.message, p.code, p.property, p.message, p.value, portalID})
		e.details = append(e.details, errorDetail{
			Message: p.message, Code: p.code, Context: map[string][]string{"propertyName": {p.property}},
		})
	}
	b, err := json.Marshal(list)
	if err != nil { // strings and bools only
		panic(err)
	}
	e.message = "Property values were not valid: " + string(b)
	return e
}
