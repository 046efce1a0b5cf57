package bucket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	gcaws "gocloud.dev/aws"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"assay/internal/durable"
)

// s3ContentType is what every notebook is sent as.
const s3ContentType = "application/x-ipynb+json"

// openS3 follows the environment as the AWS tools do. An endpoint of one's own
// comes from ?endpoint=, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or papermill's
// BOTO3_ENDPOINT_URL; such stores are mostly addressed by path, and often do
// not know the checksums that AWS added in 2025, so both are set for them
// unless the address or the environment says otherwise.
func openS3(ctx context.Context, a Address, env func(string) string) (*Bucket, error) {
	endpoint := cmp.Or(a.Query.Get("endpoint"), env("AWS_ENDPOINT_URL_S3"), env("AWS_ENDPOINT_URL"), env("BOTO3_ENDPOINT_URL"))
	pathStyle, err := boolSetting(a.Query, "use_path_style", endpoint != "")
	if err != nil {
		return nil, err
	}
	cfg, err := awsConfig(ctx, a.Query)
	if err != nil {
		return nil, err
	}
	cfg.Region = cmp.Or(cfg.Region, "us-east-1")
	if endpoint != "" {
		if err := checkEndpoint(endpoint); err != nil {
			return nil, err
		}
		cfg.BaseEndpoint = aws.String(endpoint)
		if env("AWS_REQUEST_CHECKSUM_CALCULATION") == "" && !a.Query.Has("request_checksum_calculation") {
			cfg.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		}
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = pathStyle
		if endpoint != "" { // once more: the SDK lets AWS_ENDPOINT_URL_S3 go before what is configured
			o.BaseEndpoint = aws.String(endpoint)
		}
	})
	return newS3(ctx, client, a.Bucket, s3Store{client: client, bucket: a.Bucket})
}

func newS3(ctx context.Context, client *s3.Client, name string, st store) (*Bucket, error) {
	b, err := s3blob.OpenBucket(ctx, client, name, nil)
	if err != nil {
		return nil, err
	}
	return &Bucket{blob: b, store: st}, nil
}

// awsConfig takes the settings that gocloud documents; endpoint is ours, since
// gocloud's way to set it is deprecated in the SDK.
func awsConfig(ctx context.Context, query url.Values) (aws.Config, error) {
	q := url.Values{}
	for name, values := range query {
		if name != "endpoint" && name != "use_path_style" {
			q[name] = values
		}
	}
	return gcaws.V2ConfigFromURLParams(ctx, q)
}

func boolSetting(q url.Values, name string, fallback bool) (bool, error) {
	if !q.Has(name) {
		return fallback, nil
	}
	v, err := strconv.ParseBool(q.Get(name))
	if err != nil {
		return false, fmt.Errorf("setting %s: %q is neither true nor false", name, q.Get(name))
	}
	return v, nil
}

func checkEndpoint(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("endpoint %q is not an address like https://host:port", s)
	}
	return nil
}

type s3Store struct {
	client *s3.Client
	bucket string
}

func (s3Store) version(as func(any) bool, etag string) string {
	var got s3.GetObjectOutput
	if etag == "" && as(&got) {
		etag = aws.ToString(got.ETag)
	}
	return etag
}

// put is one PutObject, whatever the size (S3 takes 5 GiB): a transfer in parts
// leaves parts behind when it dies, and not every store judges its condition.
func (s s3Store) put(ctx context.Context, _ *blob.Bucket, key string, body io.ReadSeeker, size int64, cond Condition) error {
	in := &s3.PutObjectInput{
		Bucket: aws.String(s.bucket), Key: aws.String(key),
		Body: body, ContentLength: aws.Int64(size), ContentType: aws.String(s3ContentType),
	}
	if cond.IfAbsent {
		in.IfNoneMatch = aws.String("*")
	}
	if cond.IfVersion != "" {
		in.IfMatch = aws.String(cond.IfVersion)
	}
	_, err := s.client.PutObject(ctx, in)
	return s3Refusal(err, cond)
}

// s3Refusal finds the answers that mean "the condition did not hold". A store
// that deletes the object first says NoSuchKey to If-Match; 409 is the answer
// to the slower of two conditional writes at once.
func s3Refusal(err error, cond Condition) error {
	var api smithy.APIError
	if err == nil || cond == (Condition{}) || !errors.As(err, &api) {
		return err
	}
	var resp *awshttp.ResponseError
	status := 0
	if errors.As(err, &resp) {
		status = resp.HTTPStatusCode()
	}
	gone := cond.IfVersion != "" && api.ErrorCode() == "NoSuchKey"
	if gone || status == 412 || status == 409 && api.ErrorCode() == "ConditionalRequestConflict" {
		return fmt.Errorf("%w (%s)", durable.ErrChanged, shorten(err))
	}
	return err
}

// shorten takes the SDK's preamble of operation names and request ids from an
// error that the store itself has worded.
func shorten(err error) string {
	if strings.Contains(err.Error(), "get credentials: ") {
		return "no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or add ?anonymous=true to the address of a public bucket"
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err.Error()
	}
	text := api.ErrorCode()
	if m := api.ErrorMessage(); m != "" && m != text {
		text += ": " + m
	}
	var resp *awshttp.ResponseError
	if errors.As(err, &resp) && !strings.Contains(text, strconv.Itoa(resp.HTTPStatusCode())) {
		text += fmt.Sprintf(", status %d", resp.HTTPStatusCode())
	}
	return text
}
