resource "aws_lb" "alb" {
  name               = var.name
  load_balancer_type = "application"
  security_groups    = [aws_security_group.alb.id]
  subnets            = aws_subnet.public[*].id

  access_logs {
    bucket  = aws_s3_bucket.logs.id
    prefix  = "alb"
    enabled = true
  }

  depends_on = [aws_s3_bucket_policy.logs]
}

resource "aws_lb_target_group" "color" {
  for_each                      = local.colors
  name                          = "${var.name}-${each.key}"
  port                          = 8080
  protocol                      = "HTTP"
  target_type                   = "ip"
  vpc_id                        = aws_vpc.main.id
  deregistration_delay          = 10
  load_balancing_algorithm_type = "least_outstanding_requests"

  health_check {
    path              = "/healthz"
    interval          = 5
    timeout           = 2
    healthy_threshold = 2
  }

  stickiness {
    type            = "lb_cookie"
    cookie_duration = 3600
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.alb.arn
  port              = 80
  protocol          = "HTTP"

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
  load_balancer_arn = aws_lb.alb.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate_validation.main.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.color["blue"].arn
  }
}

resource "aws_lb_listener_rule" "api" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 10

  condition {
    path_pattern {
      values = ["/api/*"]
    }
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
}

resource "aws_lb_listener_rule" "preview" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 20

  condition {
    http_header {
      http_header_name = "X-Preview"
      values           = ["green", "v2*"]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.color["green"].arn
  }
}

resource "aws_lb_listener_rule" "admin" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 30

  condition {
    host_header {
      values = ["admin.*"]
    }
  }

  condition {
    source_ip {
      values = ["0.0.0.0/0"]
    }
  }

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "not from here"
      status_code  = "403"
    }
  }
}

resource "aws_lb_listener_rule" "old" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 40

  condition {
    query_string {
      key   = "page"
      value = "old-*"
    }
  }

  action {
    type = "redirect"

    redirect {
      host        = "www.#{host}"
      path        = "/archive/#{path}"
      query       = "#{query}&from=shop"
      status_code = "HTTP_302"
    }
  }
}

resource "aws_lb_listener_rule" "readonly" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 50

  condition {
    http_request_method {
      values = ["DELETE", "PUT"]
    }
  }

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "application/json"
      message_body = "{\"error\":\"read only\"}"
      status_code  = "405"
    }
  }
}
