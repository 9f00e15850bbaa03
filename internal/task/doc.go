// Package task takes every ECS task through its life: interface, image, containers, targets, and the same road backwards.
//
// deploy, the ECS front and later schedulers write wishes (Lifecycle.Run, Lifecycle.Stop) into the task table inside their own
// transactions; Loop wakes on the rows that changed, takes each task one step further (steps.go holds the list) through an Engine
// and a Network, and writes down what it saw. Whoever cares about tasks — deploy, metadata, DescribeTasks — watches the table.
package task
