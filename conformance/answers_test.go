package conformance_test

// answers are what the fake tenant answers to the questions.
var answers = map[string]string{
	"question/1.5/version":       "status 200 with a JSON object",
	"question/18/date":           "13 of 13 answers had a Date header; the tenant's clock is between 0.0 and 0.9 seconds ahead of this one",
	"question/7.6/one-and-five":  "1: yes, 5: yes, 8: yes",
	"question/7/creatable":       "canCreate is true, userAccessForCreate the number 0",
	"question/14.1/webhooks":     "canCreate is true, userAccessForCreate the number 0",
	"question/15.2/deletions":    "status 200 with a JSON object",
	"question/6.4/stored":        "yes",
	"question/3.7/lag":           "at once",
	"question/4.4/headers":       "none of them so far",
	"question/12.3/days":         "4 of 4 are at midnight",
	"question/3.1/empty-filter":  "status 200 with 0 rows",
	"question/18/operator-case":  "yes: EQ is dropped as an unknown operator",
	"question/3.3/text-case":     "yes",
	"question/18/next-page-body": "status 500 with errors",
	"question/12.5/lenient":      "status 200 with 0 rows",
	"question/1.1/versions":      "1, version 1.0 among them",
	"question/9/roles":           "status 200 with a JSON object",
	"question/8/title":           "status 500 with errors",
	"question/18/boolean":        "null: status 500 with errors, false before and false after; left out: status 200 with a JSON object, false after",
	"question/18/read-only":      "it is accepted and ignored",
	"question/5/eight":           "completedDate: null, resolvedDateTime: null",
	"question/15.1/stamps":       "a note: lastTrackedModificationDateTime stays, lastActivityDate changes; a PUT of the resolution: lastTrackedModificationDateTime changes, lastActivityDate changes; a PUT of the status: lastTrackedModificationDateTime changes, lastActivityDate changes",
	"question/7.6/reopen":        "completedDate: null, resolvedDateTime: null",
}
