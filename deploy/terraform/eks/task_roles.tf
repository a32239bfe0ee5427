# A role for the pods of each project and domain, for what their tasks reach besides Skein's storage: attach policies to it.
data "aws_iam_policy_document" "tenant_trust" {
  for_each = local.tenants
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [local.provider_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["system:serviceaccount:${each.key}:default"]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "tenant" {
  for_each           = local.tenants
  name_prefix        = "${substr("${var.name}-${each.key}", 0, 36)}-"
  assume_role_policy = data.aws_iam_policy_document.tenant_trust[each.key].json
  tags               = merge(var.tags, each.value)
}

# A project's tasks read and write what is its own.
data "aws_iam_policy_document" "tenant" {
  for_each = local.tenants
  statement {
    sid       = "Read"
    actions   = ["s3:GetObject"]
    resources = [for folder in ["meta", "raw", "uploads"] : "${local.storage_arn}/${folder}/${each.value.project}/${each.value.domain}/*"]
  }
  statement {
    sid       = "Write"
    actions   = ["s3:PutObject", "s3:AbortMultipartUpload"]
    resources = [for folder in ["meta", "raw"] : "${local.storage_arn}/${folder}/${each.value.project}/${each.value.domain}/*"]
  }
  statement {
    sid       = "List"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.storage.arn]
  }
  statement {
    sid       = "ObjectKeys"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.this.arn]
  }
}

resource "aws_iam_role_policy" "tenant" {
  for_each = local.tenants
  name     = "storage"
  role     = aws_iam_role.tenant[each.key].id
  policy   = data.aws_iam_policy_document.tenant[each.key].json
}
