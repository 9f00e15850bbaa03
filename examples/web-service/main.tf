# A production web service on Fargate: two Availability Zones, tasks in private
# subnets behind an Application Load Balancer, logs in CloudWatch, image in ECR.
# Nothing in here knows Neargate: the same files apply to an AWS account.

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

data "aws_caller_identity" "current" {}

data "aws_availability_zones" "available" {
  state = "available"
}

locals {
  zones = slice(data.aws_availability_zones.available.names, 0, 2)
}
