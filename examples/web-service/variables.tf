variable "name" {
  description = "Prefix of every resource's name."
  type        = string
  default     = "web"
}

variable "region" {
  description = "AWS Region."
  type        = string
  default     = "us-east-1"
}

variable "image_tag" {
  description = "Tag in the ECR repository that the service runs."
  type        = string
  default     = "v1"
}

variable "desired_count" {
  description = "Number of tasks."
  type        = number
  default     = 2
}
