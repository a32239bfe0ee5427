# Applied in the account that owns a bucket: a role that a Skein of another account may assume to read and write it.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

variable "name" {
  type    = string
  default = "skein-foreign"
}

variable "bucket" {
  description = "The bucket to open up."
  type        = string
}

variable "prefix" {
  description = "Only below this folder. Empty for the whole bucket."
  type        = string
  default     = ""
}

variable "trusted_role_arns" {
  description = "The output `role_arns` of ../eks: api and launcher."
  type        = list(string)
}

variable "external_id" {
  description = "A word that both sides know, against confused deputies: SKEIN_S3_EXTERNAL_ID."
  type        = string
  sensitive   = true
}

variable "can_write" {
  type    = bool
  default = true
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = var.trusted_role_arns
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.external_id]
    }
  }
}

locals {
  objects = var.prefix == "" ? "arn:aws:s3:::${var.bucket}/*" : "arn:aws:s3:::${var.bucket}/${var.prefix}/*"
}

data "aws_iam_policy_document" "access" {
  statement {
    actions   = var.can_write ? ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"] : ["s3:GetObject"]
    resources = [local.objects]
  }
  statement {
    actions   = ["s3:ListBucket"]
    resources = ["arn:aws:s3:::${var.bucket}"]
  }
}

resource "aws_iam_role" "this" {
  name_prefix        = "${var.name}-"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "access" {
  name   = "storage"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.access.json
}

output "role_arn" {
  value = aws_iam_role.this.arn
}
