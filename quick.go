package autotask

import (
	"reflect"
	"time"

	"github.com/autotask-go/autotask/internal/paging"
	"github.com/autotask-go/autotask/internal/quick"
)

// quickly reads answers in the form in which Autotask nearly always sends them.
// decode reads all others, and reports what is wrong with them.
var quickly = quick.Codec{Kind: kindOfField, Set: setField, Decode: decode}

func kindOfField(typ reflect.Type) quick.Kind {
	switch typ {
	case reflect.TypeFor[Optional[int64]]():
		return quick.Int
	case reflect.TypeFor[Optional[float64]]():
		return quick.Number
	case reflect.TypeFor[Optional[bool]]():
		return quick.Flag
	case reflect.TypeFor[Optional[string]]():
		return quick.Text
	case reflect.TypeFor[Optional[time.Time]]():
		return quick.Time
	case reflect.TypeFor[int64]():
		return quick.PlainInt
	case reflect.TypeFor[string]():
		return quick.PlainText
	case reflect.TypeFor[UDFs]():
		return quick.List
	default:
		return quick.Other
	}
}

// setField puts a value into a field of the kind that kindOfField says.
func setField(field any, v *quick.Value) {
	s := present
	if v.Null {
		s = null
	}
	switch p := field.(type) {
	case *Optional[int64]:
		if *p = (Optional[int64]{state: s}); s == present {
			p.value = v.Int
		}
	case *Optional[float64]:
		if *p = (Optional[float64]{state: s}); s == present {
			p.value = v.Number
		}
	case *Optional[bool]:
		if *p = (Optional[bool]{state: s}); s == present {
			p.value = v.Flag
		}
	case *Optional[string]:
		if *p = (Optional[string]{state: s}); s == present {
			p.value = v.Text
		}
	case *Optional[time.Time]:
		if *p = (Optional[time.Time]{state: s}); s == present {
			p.value = v.Time
		}
	case *int64:
		*p = v.Int
	case *string:
		*p = v.Text
	}
}

// quickPage is decodePage for a page that holds what it should.
func quickPage(b []byte, typ reflect.Type) (paging.Page, bool) {
	items, raw, ok := quickly.Page(b, typ)
	var details pageDetails
	if !ok || decode(raw, &details) != nil || details.Count.Or(int64(len(items))) != int64(len(items)) {
		return paging.Page{}, false
	}
	rows := make([]paging.Row, len(items))
	for i, item := range items {
		if rows[i] = (paging.Row{ID: idIn(item), Item: item}); rows[i].ID == 0 {
			return paging.Page{}, false
		}
	}
	return details.page(rows), true
}

// quickItem reads an item, and returns where it stands in the answer. If it is
// not to be read quickly, the item is left empty.
func quickItem[T any](b []byte, item *Optional[T]) (start, end int, ok bool) {
	*item = Optional[T]{state: present}
	if start, end, ok = quickly.Item(b, &item.value); !ok {
		*item = Optional[T]{}
	}
	return start, end, ok
}
