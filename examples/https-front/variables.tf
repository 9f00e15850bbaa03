variable "name" {
  description = "Prefix of every resource's name."
  type        = string
  default     = "shop"
}

variable "region" {
  description = "AWS Region."
  type        = string
  default     = "us-east-1"
}

variable "domain" {
  description = "Name in the certificate."
  type        = string
  default     = "shop.example.com"
}

variable "green" {
  description = "Share of /api requests that the green service answers, 0 to 100."
  type        = number
  default     = 10
}
