data "aws_caller_identity" "me" {}

data "aws_elb_service_account" "main" {}

resource "aws_s3_bucket" "b" {
  bucket        = "lb-files"
  force_destroy = true
}

resource "aws_s3_object" "ca" {
  bucket = aws_s3_bucket.b.id
  key    = "ca.pem"
  source = "ca.pem"
}

resource "aws_s3_bucket_policy" "b" {
  bucket = aws_s3_bucket.b.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { AWS = data.aws_elb_service_account.main.arn }, Action = "s3:PutObject", Resource = "${aws_s3_bucket.b.arn}/logs/AWSLogs/${data.aws_caller_identity.me.account_id}/*" },
    { Effect = "Allow", Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" }, Action = "s3:PutObject", Resource = "${aws_s3_bucket.b.arn}/conn/AWSLogs/${data.aws_caller_identity.me.account_id}/*" }]
  })
}

resource "aws_lb_trust_store" "t" {
  name                             = "clients"
  ca_certificates_bundle_s3_bucket = aws_s3_bucket.b.id
  ca_certificates_bundle_s3_key    = aws_s3_object.ca.key
}

resource "aws_lb_trust_store_revocation" "r" {
  trust_store_arn       = aws_lb_trust_store.t.arn
  revocations_s3_bucket = aws_s3_bucket.b.id
  revocations_s3_key    = aws_s3_object.crl.key
}

resource "aws_s3_object" "crl" {
  bucket = aws_s3_bucket.b.id
  key    = "crl.pem"
  source = "crl.pem"
}

resource "aws_lb" "logged" {
  name            = "logged"
  internal        = true
  security_groups = [aws_security_group.lb.id]
  subnets         = aws_subnet.s[*].id
  access_logs {
    bucket  = aws_s3_bucket.b.id
    prefix  = "logs"
    enabled = true
  }
  connection_logs {
    bucket  = aws_s3_bucket.b.id
    prefix  = "conn"
    enabled = true
  }
  depends_on = [aws_s3_bucket_policy.b]
}

resource "aws_lb_listener" "verify" {
  load_balancer_arn = aws_lb.logged.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = aws_acm_certificate.one.arn
  mutual_authentication {
    mode                           = "verify"
    trust_store_arn                = aws_lb_trust_store.t.arn
    advertise_trust_store_ca_names = "on"
  }
  default_action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      status_code  = "200"
    }
  }
}
