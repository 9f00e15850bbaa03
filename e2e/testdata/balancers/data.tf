data "aws_lb" "alb" { arn = aws_lb.alb.arn }

data "aws_lb" "nlb" {
  name       = "static"
  depends_on = [aws_lb.nlb]
}

data "aws_lb_listener" "https" { arn = aws_lb_listener.https.arn }

data "aws_lb_listener" "nlb" {
  load_balancer_arn = aws_lb.nlb.arn
  port              = 443
  depends_on        = [aws_lb_listener.nlb]
}

data "aws_lb_target_group" "alb" { arn = aws_lb_target_group.alb.arn }

data "aws_lb_hosted_zone_id" "n" { load_balancer_type = "network" }

data "aws_lbs" "all" { depends_on = [aws_lb.inner] }

data "aws_lb_listener_rule" "r" { arn = aws_lb_listener_rule.r[0].arn }

output "zone" { value = data.aws_lb.nlb.zone_id == data.aws_lb_hosted_zone_id.n.id }

output "alb" { value = data.aws_lb.alb.dns_name }

output "nlb" { value = aws_lb.nlb.dns_name }

data "aws_lb_trust_store" "t" {
  name       = "clients"
  depends_on = [aws_lb_trust_store.t]
}
