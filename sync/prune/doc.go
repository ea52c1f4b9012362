// Package prune deletes what is wanted no more, and nothing that anything else
// needs.
//
// [Decide] is the rule: of what a repository has ([Contents]) and what is said of
// its tags ([Choice]) it makes what is deleted ([Decision]). The last tag of a
// digest that something which stays needs is spared; signatures and referrers go
// with what they are about; a manifest goes once nothing that stays leads to it.
//
// A [Job] reads what places have, decides, keeps to its [Limit], deletes, and asks
// afterwards whether what should be gone is gone and what should stay is there.
package prune
