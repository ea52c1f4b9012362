package main

import (
	"fmt"
	"io"
	"os"

	"csync/sync/fault"

	"github.com/sirupsen/logrus"
	"golang.org/x/term"
)

// setUpLogging sends log lines of the given level and above to out, as text or
// as JSON. Text has colours if out is a terminal and NO_COLOR is not set; it
// keeps them when lines go through a progress instead.
func setUpLogging(out io.Writer, level, format string) error {
	least, err := logrus.ParseLevel(level)
	if err != nil {
		return fault.New(fault.Input, fmt.Errorf("reading log level %q: want error, warn, info, debug or trace", level))
	}
	formatter, err := logFormatter(out, format)
	if err != nil {
		return err
	}
	logrus.SetOutput(out)
	logrus.SetLevel(least)
	logrus.SetFormatter(formatter)
	return nil
}

func logFormatter(out io.Writer, format string) (logrus.Formatter, error) {
	switch format {
	case "text":
		colours := isTerminal(out) && os.Getenv("NO_COLOR") == ""
		return &logrus.TextFormatter{ForceColors: colours, DisableColors: !colours, FullTimestamp: true}, nil
	case "json":
		return &logrus.JSONFormatter{DisableHTMLEscape: true}, nil
	default:
		return nil, fault.New(fault.Input, fmt.Errorf("reading log format %q: want text or json", format))
	}
}

// isTerminal reports whether someone may be looking at stream, an [io.Reader]
// or [io.Writer].
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
