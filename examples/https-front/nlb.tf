# One address per Availability Zone that never changes, for customers whose firewalls list addresses.

resource "aws_eip" "nlb" {
  count      = 2
  domain     = "vpc"
  depends_on = [aws_internet_gateway.main]
}

resource "aws_lb" "nlb" {
  name                             = "${var.name}-static"
  load_balancer_type               = "network"
  security_groups                  = [aws_security_group.nlb.id]
  enable_cross_zone_load_balancing = true

  dynamic "subnet_mapping" {
    for_each = range(2)
    content {
      subnet_id     = aws_subnet.public[subnet_mapping.value].id
      allocation_id = aws_eip.nlb[subnet_mapping.value].id
    }
  }
}

resource "aws_lb_target_group" "alb" {
  name        = "${var.name}-alb"
  port        = 443
  protocol    = "TCP"
  target_type = "alb"
  vpc_id      = aws_vpc.main.id

  health_check {
    protocol = "HTTPS"
    path     = "/healthz"
    interval = 5
    timeout  = 2
    matcher  = "200-399"
  }
}

resource "aws_lb_target_group_attachment" "alb" {
  target_group_arn = aws_lb_target_group.alb.arn
  target_id        = aws_lb.alb.arn
  port             = 443
  depends_on       = [aws_lb_listener.https]
}

resource "aws_lb_listener" "nlb" {
  load_balancer_arn = aws_lb.nlb.arn
  port              = 443
  protocol          = "TCP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.alb.arn
  }
}
