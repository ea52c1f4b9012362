package report

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	pictures "image"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// browser is a headless Chromium with one tab, spoken to in the words of
// https://chromedevtools.github.io/devtools-protocol over a pipe.
type browser struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	session string
	id      int
	events  []message
}

type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct{ Message string }
}

// openBrowser starts Chromium for a test. What it may not reach, it does not: no
// host but those of files has an address for it.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "chromium is not installed, in which the page is looked at: run \"make setup\"")
		t.Skip("chromium is not installed; \"make setup\" does that")
	}
	read, in, err := os.Pipe()
	require.NoError(t, err)
	out, write, err := os.Pipe()
	require.NoError(t, err)
	command := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND",
		"--force-color-profile=srgb", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")
	command.ExtraFiles = []*os.File{read, write} // 3 and 4, as the option says
	var said bytes.Buffer
	command.Stderr = &said
	require.NoError(t, command.Start())
	require.NoError(t, read.Close())
	require.NoError(t, write.Close())
	b := &browser{t: t, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		b.session = ""
		b.call("Browser.close", nil, nil)
		_ = command.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	b.attach()
	return b
}

func (b *browser) attach() {
	var made struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &made)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": made.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	b.call("Page.enable", nil, nil)
	b.call("Log.enable", nil, nil)
	b.call("Network.enable", nil, nil)
}

// call says something to the browser, and waits for the answer.
func (b *browser) call(method string, params, answer any) {
	b.t.Helper()
	b.id++
	call := map[string]any{"id": b.id, "method": method}
	if params != nil {
		call["params"] = params
	}
	if b.session != "" {
		call["sessionId"] = b.session
	}
	line, err := json.Marshal(call)
	require.NoError(b.t, err)
	_, err = b.in.Write(append(line, 0))
	require.NoError(b.t, err)
	for {
		m := b.next()
		if m.ID != b.id {
			b.events = append(b.events, m)
			continue
		}
		require.Nil(b.t, m.Error, "%s: %v", method, m.Error)
		if answer != nil {
			require.NoError(b.t, json.Unmarshal(m.Result, answer))
		}
		return
	}
}

func (b *browser) next() message {
	b.t.Helper()
	line, err := b.out.ReadBytes(0)
	require.NoError(b.t, err, "the browser is gone")
	var m message
	require.NoError(b.t, json.Unmarshal(line[:len(line)-1], &m))
	return m
}

// screen is how wide the browser's is, and in which scheme of colours.
type screen struct {
	width  int
	scheme string // "light", "dark"
}

func (s screen) String() string { return fmt.Sprintf("%d-%s", s.width, s.scheme) }

const screenHeight = 900

// open shows a page on a screen.
func (b *browser) open(html []byte, s screen) {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), "report.html")
	require.NoError(b.t, os.WriteFile(file, html, 0o600))
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": s.width, "height": screenHeight, "deviceScaleFactor": 1, "mobile": s.width < 700}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": s.scheme}}}, nil)
	b.events = nil
	b.call("Page.navigate", map[string]any{"url": "file://" + file}, nil)
	for !b.happened("Page.loadEventFired") {
		b.events = append(b.events, b.next())
	}
}

func (b *browser) happened(method string) bool {
	for _, event := range b.events {
		if event.Method == method {
			return true
		}
	}
	return false
}

// said are the browser's complaints about the page, and what it asked for.
func (b *browser) said() (complaints []string, requests int) {
	for _, event := range b.events {
		switch event.Method {
		case "Log.entryAdded":
			complaints = append(complaints, string(event.Params))
		case "Network.requestWillBeSent":
			requests++
		}
	}
	return complaints, requests
}

// ask evaluates JavaScript on the page.
func (b *browser) ask(expression string, answer any) {
	b.t.Helper()
	var evaluated struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &evaluated)
	require.Empty(b.t, string(evaluated.ExceptionDetails), expression)
	if answer != nil {
		require.NoError(b.t, json.Unmarshal(evaluated.Result.Value, answer), expression)
	}
}

// picture is what is to be seen on the screen.
func (b *browser) picture() pictures.Image {
	b.t.Helper()
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	require.NoError(b.t, err)
	picture, err := png.Decode(bytes.NewReader(data))
	require.NoError(b.t, err)
	return picture
}

// colour is one that the style sheet has for a mark, as the browser shows it.
func (b *browser) colour(selector string) (red, green, blue int) {
	b.t.Helper()
	var said string
	b.ask(fmt.Sprintf(`getComputedStyle(document.querySelector(%q), "::before").backgroundColor`, selector), &said)
	_, err := fmt.Sscanf(said, "rgb(%d, %d, %d)", &red, &green, &blue)
	require.NoError(b.t, err, said)
	return red, green, blue
}

// shows reports whether a picture has a spot of a colour: some pixels of it.
func shows(picture pictures.Image, red, green, blue int) bool {
	found := 0
	bounds := picture.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			r, g, b, _ := picture.At(x, y).RGBA()
			if int(r>>8) == red && int(g>>8) == green && int(b>>8) == blue {
				found++
			}
		}
	}
	return found > 40
}

func TestThePageOfAReleaseIsSeenAsItIsMeant(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	var html bytes.Buffer
	require.NoError(t, failing(150, 4).WriteHTML(&html))
	for _, s := range []screen{{1400, "light"}, {1400, "dark"}, {390, "light"}, {390, "dark"}} {
		b.open(html.Bytes(), s)
		complaints, requests := b.said()
		require.Empty(t, complaints, s)
		require.Equal(t, 1, requests, "%s: the page asks for nothing else", s)
		var rows, width int
		b.ask(`document.querySelectorAll("tbody tr").length`, &rows)
		require.Equal(t, 150, rows)
		b.ask(`document.documentElement.scrollWidth`, &width)
		require.LessOrEqual(t, width, s.width, "%s: nothing is beyond the edge", s)
		b.ask(`document.querySelector("table").scrollIntoView(); document.querySelector("td.failed .mark.failed").scrollIntoView({inline: "center", block: "center"}); 1`, nil)
		red, green, blue := b.colour("td.failed .mark.failed")
		require.True(t, shows(b.picture(), red, green, blue), "%s: failures are seen in the matrix", s)
	}
}

func TestThePageFindsImagesByNameAndState(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	var html bytes.Buffer
	require.NoError(t, failing(150, 4).WriteHTML(&html))
	b.open(html.Bytes(), screen{1400, "light"})
	seen := func() (n int) {
		b.ask(`[...document.querySelectorAll("tbody tr")].filter(row => row.offsetParent !== null).length`, &n)
		return n
	}
	require.Equal(t, 150, seen())
	b.ask(`(e => { e.value = "keystone"; e.dispatchEvent(new Event("input", {bubbles: true})); return 1 })(document.querySelector("#name"))`, nil)
	require.Positive(t, seen())
	require.Less(t, seen(), 150)
}
