package spec

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// defaultGateTimeout is how long a gate may think about one digest.
const defaultGateTimeout = 10 * time.Minute

func (p *promotionReader) readRollbackLabel(node *yaml.Node) {
	text, ok := p.word(node, "rollback-label")
	if ok && p.isTag(node, strings.ReplaceAll(text, "{label}", "label")) {
		p.rollback = text
	}
}

func (p *promotionReader) readIndexTag(node *yaml.Node) {
	text, ok := p.word(node, "index-tag")
	switch {
	case !ok:
	case !strings.Contains(text, "{hash}"):
		p.reject(p.at(node), "index-tag %q has no {hash} in it; %q was meant", text, "{hash}_"+strings.TrimLeft(text, "_.-"))
	case p.isTag(node, strings.ReplaceAll(text, "{hash}", "hash")):
		p.IndexTag = text
	}
}

func (p *promotionReader) readTagPolicy(node *yaml.Node) {
	if node.Kind == yaml.MappingNode {
		p.TagPolicy.labels = true
		p.fields(node, "tag-policy", p.keysOfTagPolicy())
		return
	}
	text, ok := p.word(node, "tag-policy")
	if !ok {
		return
	}
	policy, err := ParseTagPolicy(text)
	if err != nil {
		p.reject(p.at(node), "%v", err)
	}
	p.TagPolicy = policy
}

func (p *promotionReader) keysOfTagPolicy() map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"may-move": func(node *yaml.Node) {
			p.TagPolicy.restricted = true
			p.TagPolicy.movable = p.patterns(node, "tag-policy.may-move", wholeTagPattern)
		},
		"immutable": func(node *yaml.Node) {
			p.TagPolicy.immutable = p.patterns(node, "tag-policy.immutable", compilePattern)
		},
	}
}

func (p *promotionReader) patterns(node *yaml.Node, what string, compile func(string) (*regexp.Regexp, error)) []*regexp.Regexp {
	var patterns []*regexp.Regexp
	for element, word := range p.words(node, what, "a regex") {
		pattern, err := compile(word)
		if err != nil {
			p.reject(p.at(element), "%v", err)
			continue
		}
		patterns = append(patterns, pattern)
	}
	return patterns
}

func (p *promotionReader) readGate(node *yaml.Node) {
	p.Gate.Timeout = defaultGateTimeout
	if node.Kind == yaml.MappingNode {
		p.fieldsWith(node, "gate", p.keysOfGate(), "command")
		return
	}
	p.readCommand(node)
}

func (p *promotionReader) keysOfGate() map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){"command": p.readCommand, "timeout": p.readTimeout}
}

func (p *promotionReader) readCommand(node *yaml.Node) {
	p.Gate.Command = nil
	for _, item := range p.items(node, "the command of gate") {
		if text, ok := p.text(item, "an argument of gate"); ok { // an empty one may be meant
			p.Gate.Command = append(p.Gate.Command, text)
		}
	}
	told := func(argument string) bool {
		return strings.Contains(argument, "{reference}") || strings.Contains(argument, "{digest}")
	}
	switch command := p.Gate.Command; {
	case node.Kind != yaml.SequenceNode:
	case len(command) == 0 || command[0] == "":
		p.reject(p.at(node), "gate has no program")
	case !slices.ContainsFunc(command, told):
		p.reject(p.at(node), "no argument of gate has {reference} or {digest} in it, so it would not know what it is asked about")
	}
}

func (p *promotionReader) readTimeout(node *yaml.Node) {
	text, ok := p.word(node, "gate.timeout")
	if !ok {
		return
	}
	timeout, err := time.ParseDuration(text)
	if err != nil || timeout <= 0 {
		p.reject(p.at(node), "gate.timeout must be a time such as 90s or 10m, not %q", text)
		return
	}
	p.Gate.Timeout = timeout
}
