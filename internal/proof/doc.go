// Package proof holds the tests that prove the promises of the module as a
// whole: the fault matrix, the killed job, each fact of the contract, answers
// that do not fit, fuzzing, and the readers by all doors. There is nothing in it
// to import; what its tests share with those of the root package is in kit.
package proof
