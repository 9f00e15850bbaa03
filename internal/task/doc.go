// Package task takes every ECS task through its life: interface, image, containers, targets, and the same road backwards.
//
//	deploy, ECS front ─ Lifecycle.Run, Stop ─▶ task rows ─ watch ─▶ Loop ─ one due step ─▶ Engine, Network, Traffic, Logs
//	                                              ▲                   │ ▲
//	                                              └──── what it learnt ┘ └── Engine's events, health checks
//
// deploy, the ECS front and later schedulers write wishes (Lifecycle.Run, Lifecycle.Stop) into the task table inside their own
// transactions. Loop wakes on the rows that changed and takes each task one step further; steps.go holds the list of steps, and
// advance.go the conclusions that need no action, as a function of values. Whoever cares about tasks — deploy, logs, metadata,
// DescribeTasks — reads and watches the table.
//
// A steady task costs nothing: no goroutine, no timer, no poll, but for the health checks its definition asks for. A Loop may die
// at any point; the next one adopts what the Engine runs and goes on from the rows.
//
// Definition.Check is where a task definition is refused, with AWS's texts. enginetest is the law of Engine; simulated is the
// engine that proves this package at a size and with faults no machine offers.
package task
