// Package strictjson reads JSON as it stands, where encoding/json repairs it.
//
// Of a key that an object has twice encoding/json keeps the last value, other
// readers the first; it takes "Hidden_Size" for hidden_size; it puts U+FFFD in
// the place of bytes that are no UTF-8 and of half surrogate pairs. Two programs
// that read one file in different ways are how an attack gets past a check, and
// a typing error past its author. Here all of these are errors, which name the
// byte, and so is nesting deeper than 128.
//
// Unmarshal is json.Unmarshal behind these rules. Scanner is the reader below
// it, for files that must not become Go values before they are checked, such as
// a header of 100 MB.
//
//	err := strictjson.Unmarshal(data, &config) // byte 61: found the key "hidden_size" twice
package strictjson

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Unmarshal is json.Unmarshal of a text without duplicate keys, keys that are a
// field's but for capitals, bytes that are not UTF-8, or half surrogate pairs.
func Unmarshal(data []byte, v any) error {
	s := New(string(data), 0)
	s.walk(reflect.TypeOf(v), 0)
	s.End()
	if s.Err != nil {
		return s.Err
	}
	return json.Unmarshal(data, v)
}

// Check holds a text against the rules of Unmarshal, those about fields apart.
func Check(data []byte) error {
	s := New(string(data), 0)
	s.Skip()
	s.End()
	return s.Err
}

// walk passes over a value that is to become a t; nil stands for any type.
func (s *Scanner) walk(t reflect.Type, depth int) {
	if depth > maxDepth {
		s.Fail(s.Pos, "found values nested deeper than %d", maxDepth)
		return
	}
	t = target(t)
	switch c := s.Peek(); {
	case c == '{':
		fields := fieldsOf(t)
		seen := map[string]bool{}
		s.Members(func(key string, at int) {
			if seen[key] {
				s.Fail(at, "found the key %q twice", key)
				return
			}
			seen[key] = true
			s.walk(s.member(t, fields, key, at), depth+1)
		})
	case c == '[':
		var element reflect.Type
		if t != nil && t.Kind() == reflect.Slice {
			element = t.Elem()
		}
		s.List('[', ']', func() { s.walk(element, depth+1) })
	case c == '"':
		s.Str()
	case c == '-' || '0' <= c && c <= '9':
		s.number()
	default:
		s.literal()
	}
}

var unmarshaler = reflect.TypeOf((*json.Unmarshaler)(nil)).Elem()

// target is what a value for t is stored in; nil where t's own method reads it.
func target(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t != nil && reflect.PointerTo(t).Implements(unmarshaler) {
		return nil
	}
	return t
}

// fieldsOf is a struct's fields by their names in JSON, nil for other types.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	fields := make(map[string]reflect.Type, t.NumField())
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		if f.IsExported() && name != "-" {
			fields[name] = f.Type
		}
	}
	return fields
}

// member is the type of an object's member. A key that encoding/json would
// take for a field's in other letters is an error.
func (s *Scanner) member(t reflect.Type, fields map[string]reflect.Type, key string, at int) reflect.Type {
	if f, ok := fields[key]; ok {
		return f
	}
	for name := range fields {
		if strings.EqualFold(name, key) {
			s.Fail(at, "found the key %q, expected %q", key, name)
		}
	}
	if t != nil && t.Kind() == reflect.Map {
		return t.Elem()
	}
	return nil
}
