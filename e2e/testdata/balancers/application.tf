resource "aws_acm_certificate" "one" {
  private_key      = file("one.key")
  certificate_body = file("one.pem")
}

resource "aws_acm_certificate" "two" {
  private_key      = file("two.key")
  certificate_body = file("two.pem")
}

resource "aws_lb" "alb" {
  name                                        = "front"
  security_groups                             = [aws_security_group.lb.id]
  subnets                                     = aws_subnet.s[*].id
  idle_timeout                                = var.idle
  client_keep_alive                           = 1800
  preserve_host_header                        = true
  xff_header_processing_mode                  = "append"
  desync_mitigation_mode                      = "strictest"
  enable_tls_version_and_cipher_suite_headers = true
  depends_on                                  = [aws_internet_gateway.g]
}

resource "aws_lb_target_group" "color" {
  for_each                          = { blue = "lb_cookie", green = "app_cookie" }
  name                              = each.key
  port                              = 8080
  protocol                          = "HTTP"
  target_type                       = "ip"
  vpc_id                            = aws_vpc.v.id
  deregistration_delay              = 10
  slow_start                        = 30
  load_balancing_cross_zone_enabled = "true"
  health_check {
    path     = "/healthz"
    interval = 5
    timeout  = 2
    matcher  = "200,204"
  }
  stickiness {
    type            = each.value
    cookie_name     = each.value == "app_cookie" ? "session" : null
    cookie_duration = 3600
  }
  target_group_health {
    dns_failover { minimum_healthy_targets_count = "1" }
    unhealthy_state_routing { minimum_healthy_targets_percentage = "50" }
  }
}

resource "aws_lb_target_group" "grpc" {
  name                              = "grpc"
  port                              = 9000
  protocol                          = "HTTP"
  protocol_version                  = "GRPC"
  target_type                       = "ip"
  vpc_id                            = aws_vpc.v.id
  load_balancing_algorithm_type     = "weighted_random"
  load_balancing_anomaly_mitigation = "off"
  health_check {
    path    = "/grpc.health.v1.Health/Check"
    matcher = "0-5"
  }
}

resource "aws_lb_target_group_attachment" "t" {
  for_each         = aws_lb_target_group.color
  target_group_arn = each.value.arn
  target_id        = "10.7.0.50"
}

resource "aws_lb_listener" "http" {
  load_balancer_arn                    = aws_lb.alb.arn
  port                                 = 80
  protocol                             = "HTTP"
  routing_http_response_server_enabled = false
  default_action {
    type = "redirect"
    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn                                            = aws_lb.alb.arn
  port                                                         = 443
  protocol                                                     = "HTTPS"
  ssl_policy                                                   = var.policy
  certificate_arn                                              = aws_acm_certificate.one.arn
  routing_http_request_x_amzn_tls_version_header_name          = "X-Tls"
  routing_http_response_strict_transport_security_header_value = "max-age=60"
  mutual_authentication { mode = "passthrough" }
  default_action {
    type = "forward"
    forward {
      target_group {
        arn    = aws_lb_target_group.color["blue"].arn
        weight = 100 - var.green
      }
      target_group {
        arn    = aws_lb_target_group.color["green"].arn
        weight = var.green
      }
      stickiness {
        enabled  = true
        duration = 600
      }
    }
  }
}

resource "aws_lb_listener_certificate" "two" {
  listener_arn    = aws_lb_listener.https.arn
  certificate_arn = aws_acm_certificate.two.arn
}

resource "aws_lb_listener_rule" "grpc" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 5
  condition {
    http_header {
      http_header_name = "content-type"
      values           = ["application/grpc*"]
    }
  }
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.grpc.arn
  }
}

resource "aws_lb_listener_rule" "r" {
  count        = 5
  listener_arn = aws_lb_listener.https.arn
  priority     = 10 + count.index
  condition {
    path_pattern { values = ["/${count.index}/*"] }
  }
  condition {
    host_header { values = ["a.example.com", "*.b.example.com"] }
  }
  action {
    type = "forward"
    forward {
      target_group {
        arn    = aws_lb_target_group.color["blue"].arn
        weight = 100 - var.green
      }
      target_group {
        arn    = aws_lb_target_group.color["green"].arn
        weight = var.green
      }
    }
  }
  tags = { n = count.index }
}
