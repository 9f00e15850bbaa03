resource "aws_eip" "e" { count = 2 }

resource "aws_lb" "nlb" {
  name                             = "static"
  load_balancer_type               = "network"
  security_groups                  = [aws_security_group.lb.id]
  enable_cross_zone_load_balancing = true
  dynamic "subnet_mapping" {
    for_each = range(2)
    content {
      subnet_id     = aws_subnet.s[subnet_mapping.value].id
      allocation_id = aws_eip.e[subnet_mapping.value].id
    }
  }
  depends_on = [aws_internet_gateway.g]
}

resource "aws_lb" "inner" {
  name               = "inner"
  internal           = true
  load_balancer_type = "network"
  subnet_mapping {
    subnet_id            = aws_subnet.s[0].id
    private_ipv4_address = "10.7.0.200"
  }
}

resource "aws_lb_target_group" "alb" {
  name        = "alb"
  port        = 443
  protocol    = "TCP"
  target_type = "alb"
  vpc_id      = aws_vpc.v.id
  health_check {
    protocol = "HTTPS"
    path     = "/healthz"
    matcher  = "200-499"
  }
}

resource "aws_lb_target_group_attachment" "alb" {
  target_group_arn = aws_lb_target_group.alb.arn
  target_id        = aws_lb.alb.arn
  port             = 443
  depends_on       = [aws_lb_listener.https]
}

resource "aws_lb_listener" "nlb" {
  load_balancer_arn        = aws_lb.nlb.arn
  port                     = 443
  protocol                 = "TCP"
  tcp_idle_timeout_seconds = 400
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.alb.arn
  }
}

resource "aws_lb_target_group" "l4" {
  for_each               = { tcp = "TCP", udp = "UDP", tls = "TLS" }
  name                   = each.key
  port                   = 53
  protocol               = each.value
  target_type            = "ip"
  vpc_id                 = aws_vpc.v.id
  proxy_protocol_v2      = each.key == "tcp"
  preserve_client_ip     = each.key == "udp" ? "true" : "false"
  connection_termination = true
  dynamic "target_health_state" {
    for_each = each.key == "udp" ? [] : [1]
    content { enable_unhealthy_connection_termination = false }
  }
}

resource "aws_lb_listener" "tls" {
  load_balancer_arn = aws_lb.inner.arn
  port              = 443
  protocol          = "TLS"
  alpn_policy       = "HTTP2Preferred"
  certificate_arn   = aws_acm_certificate.one.arn
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.l4["tls"].arn
  }
}

resource "aws_lb_listener" "udp" {
  load_balancer_arn = aws_lb.inner.arn
  port              = 53
  protocol          = "UDP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.l4["udp"].arn
  }
}
