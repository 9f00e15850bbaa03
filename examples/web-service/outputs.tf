output "url" {
  description = "The service, through its load balancer."
  value       = "http://${aws_lb.main.dns_name}/"
}

output "repository_url" {
  description = "Where the application's image is pushed."
  value       = aws_ecr_repository.web.repository_url
}

output "cluster" {
  value = aws_ecs_cluster.main.name
}

output "service" {
  value = aws_ecs_service.web.name
}

output "account_id" {
  value = data.aws_caller_identity.current.account_id
}
