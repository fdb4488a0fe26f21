package upload

import (
	"fmt"
	"slices"
	"time"
)

// File is the attachmentType of a file.
const File = "FILE_ATTACHMENT"

// Links are the attachmentTypes of what is a link, and has no file.
var Links = []string{"FILE_LINK", "FOLDER_LINK", "URL"}

// IsLink reports whether an attachmentType is a link.
func IsLink(kind string) bool { return slices.Contains(Links, kind) }

// Key is what makes two attachments of one parent the same.
type Key struct {
	Parent                string // the path that it is written to
	Kind, Title, FullPath string
	Size                  int64 // of the file; 0 for a link, and where it is not known
}

// Difference says in what an attachment differs from one that was attached since a
// moment, or returns "".
func (k Key) Difference(got Key, attached, since time.Time) string {
	switch {
	case got.Kind != k.Kind:
		return "the type " + got.Kind
	case got.Title != k.Title:
		return fmt.Sprintf("the title %.60q", got.Title)
	case got.FullPath != k.FullPath:
		return fmt.Sprintf("the full path %.60q", got.FullPath)
	case k.Size > 0 && got.Size > 0 && got.Size != k.Size:
		return fmt.Sprintf("a size of %d bytes instead of %d", got.Size, k.Size)
	case attached.Before(since):
		return fmt.Sprintf("the date %v, before this piece of work began", attached)
	}
	return ""
}
