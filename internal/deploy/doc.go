// Package deploy keeps ECS services at what was asked for: it decides which tasks start and stop, one service at a time.
//
// The ECS front writes a wish (Services.Create, Update, Delete) into the service and deployment tables inside its own transaction.
// Loop wakes on rows that changed — services, deployments, their tasks, the health of their targets — reads one Input, calls Plan,
// which is a function of values, and applies the []Change through task's Run and Stop in one transaction. Registering with load
// balancers is the task's own business; deploy only reads what became of it. Every deadline is a stored timestamp, so a restart
// resumes where the last process stood.
//
//	front ─▶ Service, Deployment ─▶ Loop ─▶ Plan ─▶ apply ─▶ task.Run / task.Stop
//	                                  ▲                            │
//	          target health ──────────┴──────────── Task rows ◀────┘
package deploy
