package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
)

const indent = "  "

// WriteJSON writes the report as one indented JSON object. Its fields have a
// fixed order, and characters such as < stay as they are. Results are written
// one by one, so that a long report is never in memory twice.
func (r *Report) WriteJSON(w io.Writer) error {
	out := bufio.NewWriter(w)
	var buffer bytes.Buffer
	head := *r
	head.Results = []Result{}
	if err := encode(&buffer, "", head); err != nil {
		return err
	}
	buffer.Truncate(buffer.Len() - len("]\n}"))
	for i := range r.Results {
		buffer.WriteString(separator(i))
		if err := encode(&buffer, indent+indent, &r.Results[i]); err != nil {
			return err
		}
		if _, err := buffer.WriteTo(out); err != nil {
			return err
		}
	}
	if len(r.Results) > 0 {
		buffer.WriteString("\n" + indent)
	}
	buffer.WriteString("]\n}\n")
	if _, err := buffer.WriteTo(out); err != nil {
		return err
	}
	return out.Flush()
}

// separator is what comes before the i-th result.
func separator(i int) string {
	if i == 0 {
		return "\n" + indent + indent
	}
	return ",\n" + indent + indent
}

// encode appends value to buffer, without a newline at the end. Every line but
// the first begins with prefix.
func encode(buffer *bytes.Buffer, prefix string, value any) error {
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent(prefix, indent)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	buffer.Truncate(buffer.Len() - 1)
	return nil
}
