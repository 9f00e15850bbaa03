package formula

import (
	"fmt"
	"strconv"
)

// Expression is a parsed expression.
type Expression struct{ root node }

// node is a part of an expression.
type node interface {
	eval(s *scope) (Value, error)
}

type (
	number   float64
	text     string
	name     string
	list     []node
	negation struct{ of node }
	binary   struct {
		op          string
		left, right node
	}
	call struct {
		function string
		args     []node
	}
)

// Parse reads an expression.
func Parse(source string) (*Expression, error) {
	tokens, err := scan(source)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	root, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokenEnd {
		return nil, fmt.Errorf("%w: unexpected %q", ErrSyntax, t.text)
	}
	return &Expression{root}, nil
}

type parser struct {
	tokens []token
	depth  int
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) take() token {
	t := p.tokens[0]
	if t.kind != tokenEnd {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *parser) expect(symbol string) error {
	if t := p.take(); t.kind != tokenSymbol || t.text != symbol {
		return fmt.Errorf("%w: %q expected, not %q", ErrSyntax, symbol, t.text)
	}
	return nil
}

// binding is how strongly an operator holds what is beside it.
func binding(t token) (strength int, op string) {
	if t.kind == tokenName {
		switch t.text {
		case "OR":
			return 1, "OR"
		case "AND":
			return 2, "AND"
		}
		return 0, ""
	}
	if t.kind != tokenSymbol {
		return 0, ""
	}
	switch t.text {
	case "||":
		return 1, "OR"
	case "&&":
		return 2, "AND"
	case "==", "!=", "<", "<=", ">", ">=":
		return 3, t.text
	case "+", "-":
		return 4, t.text
	case "*", "/":
		return 5, t.text
	case "^":
		return 7, t.text
	}
	return 0, ""
}

const unaryStrength = 6

// expression reads operators that hold more strongly than above.
func (p *parser) expression(above int) (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("%w: nested too deeply", ErrSyntax)
	}
	defer func() { p.depth-- }()
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	for {
		strength, op := binding(p.peek())
		if strength <= above {
			return left, nil
		}
		p.take()
		if op == "^" { // to the right
			strength--
		}
		right, err := p.expression(strength)
		if err != nil {
			return nil, err
		}
		left = binary{op, left, right}
	}
}

func (p *parser) operand() (node, error) {
	t := p.take()
	switch t.kind {
	case tokenNumber:
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: bad number %q", ErrSyntax, t.text)
		}
		return number(f), nil
	case tokenString:
		return text(t.text), nil
	case tokenName:
		if next := p.peek(); next.kind == tokenSymbol && next.text == "(" {
			p.take()
			args, err := p.items(")")
			return call{t.text, args}, err
		}
		return name(t.text), nil
	case tokenSymbol:
		switch t.text {
		case "-":
			of, err := p.expression(unaryStrength)
			return negation{of}, err
		case "(":
			inner, err := p.expression(0)
			if err != nil {
				return nil, err
			}
			return inner, p.expect(")")
		case "[":
			items, err := p.items("]")
			return list(items), err
		}
	case tokenEnd:
		return nil, fmt.Errorf("%w: it ends too early", ErrSyntax)
	}
	return nil, fmt.Errorf("%w: unexpected %q", ErrSyntax, t.text)
}

// items reads a list up to the symbol that ends it.
func (p *parser) items(end string) ([]node, error) {
	var out []node
	if t := p.peek(); t.kind == tokenSymbol && t.text == end {
		p.take()
		return out, nil
	}
	for {
		item, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		out = append(out, item)
		if t := p.peek(); t.kind == tokenSymbol && t.text == "," {
			p.take()
			continue
		}
		return out, p.expect(end)
	}
}

// Names are the ids an expression refers to.
func (e *Expression) Names() []string {
	var out []string
	walk(e.root, func(n node) {
		if id, ok := n.(name); ok {
			out = append(out, string(id))
		}
	})
	return out
}

// Calls says whether an expression calls a function.
func (e *Expression) Calls(function string) (found bool) {
	walk(e.root, func(n node) {
		if c, ok := n.(call); ok && c.function == function {
			found = true
		}
	})
	return found
}

func walk(n node, visit func(node)) {
	visit(n)
	switch n := n.(type) {
	case list:
		for _, item := range n {
			walk(item, visit)
		}
	case negation:
		walk(n.of, visit)
	case binary:
		walk(n.left, visit)
		walk(n.right, visit)
	case call:
		for _, arg := range n.args {
			walk(arg, visit)
		}
	}
}
