package schema

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// validate checks value against the keywords that the schemas use. It returns
// the path of the first place that does not fit, or "".
func validate(root, schema map[string]any, value any, path string) string {
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		if place := checkKeyword(root, schema, keyword, value, path); place != "" {
			return place
		}
	}
	return ""
}

func checkKeyword(root, schema map[string]any, keyword string, value any, path string) string {
	fits := true
	object, _ := value.(map[string]any)
	list, _ := value.([]any)
	text, isText := value.(string)
	number, isNumber := value.(float64)
	switch argument := schema[keyword]; keyword {
	case "$schema", "$id", "$defs", "title", "description", "format":
	case "$ref":
		name := strings.TrimPrefix(argument.(string), "#/$defs/")
		return validate(root, root["$defs"].(map[string]any)[name].(map[string]any), value, path)
	case "type":
		types, several := argument.([]any)
		if !several {
			types = []any{argument}
		}
		fits = slices.ContainsFunc(types, func(name any) bool { return isType(value, name.(string)) })
	case "const":
		fits = value == argument || fmt.Sprint(value) == fmt.Sprint(argument)
	case "enum":
		fits = slices.Contains(argument.([]any), value)
	case "anyOf":
		fits = slices.ContainsFunc(argument.([]any), func(option any) bool {
			return validate(root, option.(map[string]any), value, path) == ""
		})
	case "pattern":
		fits = !isText || regexp.MustCompile(argument.(string)).MatchString(text)
	case "minLength":
		fits = !isText || len(text) >= int(argument.(float64))
	case "minimum":
		fits = !isNumber || number >= argument.(float64)
	case "minItems":
		fits = value == nil || len(list) >= int(argument.(float64))
	case "minProperties":
		fits = value == nil || len(object) >= int(argument.(float64))
	case "required":
		for _, name := range argument.([]any) {
			_, found := object[name.(string)]
			fits = fits && (object == nil || found)
		}
	case "items":
		for i, item := range list {
			if place := validate(root, argument.(map[string]any), item, fmt.Sprintf("%s[%d]", path, i)); place != "" {
				return place
			}
		}
	case "properties", "additionalProperties", "propertyNames":
		return checkObject(root, schema, keyword, object, path)
	default:
		return path + ": unknown keyword " + keyword
	}
	if !fits {
		return fmt.Sprintf("%s: %s", path, keyword)
	}
	return ""
}

func checkObject(root, schema map[string]any, keyword string, object map[string]any, path string) string {
	known, _ := schema["properties"].(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		value := object[key]
		property, isKnown := known[key].(map[string]any)
		below, _ := schema[keyword].(map[string]any)
		place := ""
		switch {
		case keyword == "properties" && isKnown:
			place = validate(root, property, value, path+"/"+key)
		case keyword == "propertyNames":
			place = validate(root, below, any(key), path+"/"+key)
		case keyword == "additionalProperties" && !isKnown && below == nil:
			place = path + "/" + key + ": unknown"
		case keyword == "additionalProperties" && !isKnown:
			place = validate(root, below, value, path+"/"+key)
		}
		if place != "" {
			return place
		}
	}
	return ""
}

func isType(value any, name string) bool {
	switch v := value.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case float64:
		return name == "number" || name == "integer" && v == float64(int64(v))
	case []any:
		return name == "array"
	default:
		return name == "object"
	}
}
