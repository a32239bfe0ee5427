data "aws_eks_cluster" "this" {
  name = var.cluster_name
}

locals {
  issuer        = replace(data.aws_eks_cluster.this.identity[0].oidc[0].issuer, "https://", "")
  provider_arn  = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:oidc-provider/${local.issuer}"
  storage_arn   = "${aws_s3_bucket.storage.arn}/${var.storage_prefix}"
  control_plane = toset(["api", "scheduler", "launcher"])
  # Pods of one project in one domain live in one namespace.
  tenants = merge([
    for project, domains in var.projects : {
      for domain in domains : "${project}-${domain}" => { project = project, domain = domain }
    }
  ]...)
}

# Whoever holds a token of this service account of the cluster, and nobody else.
data "aws_iam_policy_document" "trust" {
  for_each = local.control_plane
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [local.provider_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["system:serviceaccount:${var.namespace}:${var.release}-${each.key}"]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "control_plane" {
  for_each           = local.control_plane
  name_prefix        = "${var.name}-${each.key}-"
  assume_role_policy = data.aws_iam_policy_document.trust[each.key].json
  tags               = var.tags
}

data "aws_iam_policy_document" "storage" {
  statement {
    sid       = "Objects"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = ["${local.storage_arn}/*"]
  }
  # Without it S3 answers 403 where there is no object.
  statement {
    sid       = "List"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.storage.arn]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.storage_prefix}/*", var.storage_prefix]
    }
  }
  statement {
    sid       = "ObjectKeys"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.this.arn]
  }
}

resource "aws_iam_role_policy" "storage" {
  for_each = local.control_plane
  name     = "storage"
  role     = aws_iam_role.control_plane[each.key].id
  policy   = data.aws_iam_policy_document.storage.json
}

# The api cuts this role down to one attempt's folders before it hands its credentials to a task.
resource "aws_iam_role" "task" {
  name_prefix          = "${var.name}-task-"
  assume_role_policy   = data.aws_iam_policy_document.task_trust.json
  max_session_duration = 43200
  tags                 = var.tags
}

data "aws_iam_policy_document" "task_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.control_plane["api"].arn]
    }
  }
}

resource "aws_iam_role_policy" "task" {
  name   = "storage"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.storage.json
}

data "aws_iam_policy_document" "api" {
  statement {
    sid       = "TaskCredentials"
    actions   = ["sts:AssumeRole"]
    resources = concat([aws_iam_role.task.arn], var.foreign_role_arns)
  }
  dynamic "statement" {
    for_each = var.secret_prefix == "" ? [] : [var.secret_prefix]
    content {
      sid       = "Secrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = ["arn:aws:secretsmanager:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:secret:${statement.value}*"]
    }
  }
}

resource "aws_iam_role_policy" "api" {
  name   = "api"
  role   = aws_iam_role.control_plane["api"].id
  policy = data.aws_iam_policy_document.api.json
}

resource "aws_iam_role_policy" "launcher_foreign" {
  count = length(var.foreign_role_arns) > 0 ? 1 : 0
  name  = "foreign"
  role  = aws_iam_role.control_plane["launcher"].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Resource = var.foreign_role_arns }]
  })
}
