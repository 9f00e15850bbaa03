# A shop's front on AWS: HTTPS with several rules and weighted target groups on an
# Application Load Balancer, static addresses from a Network Load Balancer before it,
# access logs in S3. Nothing in here knows Neargate.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { project = var.name }
  }
}

data "aws_availability_zones" "available" {
  state = "available"
}

data "aws_elb_service_account" "main" {}

data "aws_caller_identity" "current" {}

locals {
  zones  = slice(data.aws_availability_zones.available.names, 0, 2)
  colors = { blue = "v1", green = "v2" }
}
