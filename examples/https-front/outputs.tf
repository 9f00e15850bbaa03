output "alb" {
  description = "Name of the Application Load Balancer."
  value       = aws_lb.alb.dns_name
}

output "nlb" {
  description = "Name of the Network Load Balancer."
  value       = aws_lb.nlb.dns_name
}

output "addresses" {
  description = "The Network Load Balancer's addresses."
  value       = aws_eip.nlb[*].public_ip
}

output "domain" {
  value = var.domain
}

output "repository_url" {
  value = aws_ecr_repository.app.repository_url
}

output "logs" {
  description = "Bucket of the access logs."
  value       = aws_s3_bucket.logs.id
}
