// Package fault says what went wrong in the words of the report: which kind of
// failure, on which side, at which reference, and what to do about it.
//
// The layer that knows the cause makes an [Error] with [New]; the layer that
// knows which image was meant adds side and reference with [At]. The report
// reads both back with [KindOf] and [SideOf].
package fault
