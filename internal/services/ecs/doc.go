// Package ecs is the API front of Amazon ECS: it checks what clients ask for, keeps clusters, task definitions and account settings,
// and translates services into deploy's nouns and tasks into task's. It starts and stops nothing itself: a request ends in one
// transaction, and the control loops take it from there.
package ecs
